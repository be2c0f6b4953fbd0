import { describe, expect, it } from "vitest";
import { admit } from "../../src/mesh/dispatch.ts";

describe("who is served next", () => {
  it("is a neighbour that wants an update while nobody else is served", () => {
    expect(admit("update", ["none", "none"], 1)).toEqual({ tag: "now" });
    expect(admit("update", [], 1)).toEqual({ tag: "now" });
  });

  it("is one neighbour with an update at a time with a fan-out of 1", () => {
    expect(admit("update", ["update", "none"], 1)).toEqual({ tag: "wait", why: "fan-out" });
  });

  it("are two at a time with a fan-out of 2, and no third", () => {
    expect(admit("update", ["update", "none"], 2)).toEqual({ tag: "now" });
    expect(admit("update", ["update", "update"], 2)).toEqual({ tag: "wait", why: "fan-out" });
  });

  it("is a board in distress at once, however many are served", () => {
    expect(admit("heal", ["update", "update", "heal", "target"], 1)).toEqual({ tag: "now" });
  });

  it("is no update while a board in distress is served, whatever the fan-out", () => {
    expect(admit("update", ["heal", "none"], 256)).toEqual({ tag: "wait", why: "heal" });
  });

  it("is an update again when the board in distress is healed", () => {
    expect(admit("update", ["none", "none"], 1)).toEqual({ tag: "now" });
  });

  it("is an update also while the own board is served over another link", () => {
    expect(admit("update", ["target"], 1)).toEqual({ tag: "now" });
  });

  it("is no update while the own board's only image is about to be overwritten, but a board in distress", () => {
    expect(admit("update", ["none"], 2, true)).toEqual({ tag: "wait", why: "fan-out" });
    expect(admit("heal", ["none"], 2, true)).toEqual({ tag: "now" });
  });
});
