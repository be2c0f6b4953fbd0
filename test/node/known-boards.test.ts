import { describe, expect, it } from "vitest";
import { KnownBoards } from "../../src/node/known-boards.ts";
import { beaconOf } from "../../src/session/beacon.ts";
import type { Beacon } from "../../src/wire/messages.ts";

const beacon = (id: number, nonce: number): Beacon =>
  beaconOf(
    {
      nodeId: new Uint8Array(8).fill(id),
      hardwareId: new Uint8Array(8),
      revision: 0,
      failure: "empty",
      installed: undefined,
      receivingDigest: undefined,
      counterFloor: 0,
    },
    new Uint8Array(8).fill(nonce),
  );

describe("known boards", () => {
  it("accept one board on two links with one boot nonce", () => {
    const boards = new KnownBoards();
    expect(boards.record("a", beacon(1, 1))).toEqual({ isCopied: false });
    expect(boards.record("b", beacon(1, 1))).toEqual({ isCopied: false });
  });

  it("accept a board that restarted on its link", () => {
    const boards = new KnownBoards();
    expect(boards.record("a", beacon(1, 1))).toEqual({ isCopied: false });
    expect(boards.record("a", beacon(1, 2))).toEqual({ isCopied: false });
  });

  it("accept a board on two links that takes another boot nonce, or starts again", () => {
    const boards = new KnownBoards();
    const heard = [
      ["a", 1],
      ["b", 1],
      ["a", 2],
      ["b", 2],
      ["a", 3],
      ["b", 3],
    ] as const;
    for (const [link, nonce] of heard)
      expect(boards.record(link, beacon(1, nonce))).toEqual({ isCopied: false });
  });

  it("report one id on two links with two boot nonces as a copy", () => {
    const boards = new KnownBoards();
    boards.record("a", beacon(1, 1));
    boards.record("b", beacon(1, 2));
    expect(boards.record("a", beacon(1, 1))).toEqual({ isCopied: true });
    expect(boards.record("b", beacon(1, 2))).toEqual({ isCopied: true });
    expect(boards.record("a", beacon(2, 1))).toEqual({ isCopied: false });
  });
});
