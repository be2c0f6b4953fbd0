import { describe, expect, it } from "vitest";
import { eventText } from "../../src/cli/event-text.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { imageOf, Stage } from "../concept/stage.ts";

const MINUTE_MS = 60_000;

describe("what a node tells of its roles", () => {
  it("is nothing while neighbours only say what they run", async () => {
    const stage = new Stage();
    const [near, far] = stage.wire("P", "B");
    const repository = fixedRepository([imageOf("1.0.0")]);
    const provider = stage.provider([near], { repository });
    stage.node(stage.board({ image: imageOf("1.0.0") }), [far]);
    await stage.pass(10 * MINUTE_MS);
    expect(provider.events.filter(({ event }) => event === "neighbour").length).toBeGreaterThan(0);
    expect(provider.events.filter(({ event }) => event === "role")).toEqual([]);
  });

  it("names each change once while a neighbour is healed", async () => {
    const stage = new Stage();
    const [near, far] = stage.wire("A", "B");
    const a = stage.node(stage.board({ image: imageOf("1.0.0") }), [near]);
    const b = stage.node(stage.board(), [far]);
    await stage.until(() => b.started.length > 0, MINUTE_MS, a, b);
    await stage.pass(MINUTE_MS);
    const rolesOf = (events: typeof a.events): unknown[] =>
      events.flatMap((event) => (event.event === "role" ? [event.role] : []));
    expect(rolesOf(a.events)).toEqual(["rescuer", "idle"]);
    expect(rolesOf(b.events)).toEqual(["target", "idle"]);
  });

  it("does not call a board that asks for something newer one in distress", () => {
    const call = { event: "distress", link: "l", peer: "00".repeat(8), hardwareId: "", revision: 0 } as const;
    const text = eventText({ ...call, reason: undefined, proven: false, version: "1.0.0", counterFloor: 0 });
    expect(text).toBe("l: board 00000000 boots, and asks for something newer");
  });
});
