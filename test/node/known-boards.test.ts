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
  it("take one board on two links under one nonce for one board", () => {
    const boards = new KnownBoards();
    expect(boards.isCopied("a", beacon(1, 1))).toBe(false);
    expect(boards.isCopied("b", beacon(1, 1))).toBe(false);
  });

  it("take a board that calls again on one link, also after a restart, for one board", () => {
    const boards = new KnownBoards();
    expect(boards.isCopied("a", beacon(1, 1))).toBe(false);
    expect(boards.isCopied("a", beacon(1, 2))).toBe(false);
  });

  it("name one id on two links under two nonces", () => {
    const boards = new KnownBoards();
    boards.isCopied("a", beacon(1, 1));
    expect(boards.isCopied("b", beacon(1, 2))).toBe(true);
    expect(boards.isCopied("a", beacon(2, 1))).toBe(false);
  });
});
