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

  it("report one id on two links with two boot nonces as a copy", () => {
    const boards = new KnownBoards();
    boards.record("a", beacon(1, 1));
    expect(boards.record("b", beacon(1, 2))).toEqual({ isCopied: true });
    expect(boards.record("a", beacon(2, 1))).toEqual({ isCopied: false });
  });
});
