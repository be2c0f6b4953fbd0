import { describe, expect, it } from "vitest";
import { roleFor } from "../../src/mesh/link-role.ts";
import { ownBoard } from "./support.ts";

const LINKS = [0, 1, 2];

describe("the roles of a node", () => {
  it("are to watch and to serve on all links while the board boots and asks nobody", () => {
    expect(LINKS.map((link) => roleFor(ownBoard(1), link, undefined))).toEqual(["idle", "idle", "idle"]);
  });

  it("are to call on all links when the board does not boot", () => {
    const board = ownBoard(1, { failure: "hash" });
    expect(LINKS.map((link) => roleFor(board, link, undefined))).toEqual(["call", "call", "call"]);
  });

  it("are to call also on the link on which it asked before it stopped to boot", () => {
    const board = ownBoard(1, { failure: "receiving" });
    expect(LINKS.map((link) => roleFor(board, link, 1))).toEqual(["call", "call", "call"]);
  });

  it("are to ask on the link of the neighbour that is asked, and on no other", () => {
    expect(LINKS.map((link) => roleFor(ownBoard(1), link, 1))).toEqual(["idle", "ask", "idle"]);
  });

  it("are to watch and to serve on the other links while an image comes whose manifest was accepted", () => {
    const board = ownBoard(1, { failure: "receiving" });
    expect(LINKS.map((link) => roleFor(board, link, undefined, link !== 1))).toEqual([
      "idle",
      "call",
      "idle",
    ]);
    expect(LINKS.map((link) => roleFor(ownBoard(1), link, 1, link !== 1))).toEqual(["idle", "ask", "idle"]);
  });

  it("are to watch when there is no board to call for", () => {
    expect(LINKS.map((link) => roleFor(undefined, link, 1))).toEqual(["idle", "idle", "idle"]);
  });
});
