import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import { callDigestOf, callNameOf, SentCalls } from "../../src/session/call-digest.ts";
import { CRC_LENGTH } from "../../src/wire/constants.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import type { Beacon } from "../../src/wire/messages.ts";

const eight = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);

function callWith(counterFloor: number): Beacon {
  const status: NodeStatus = {
    ...{ nodeId: eight(1), hardwareId: eight(2), revision: 3, failure: "empty", counterFloor },
    ...{ installed: undefined, receivingDigest: undefined },
  };
  return beaconOf(status, eight(4), { isKeyed: true });
}

/** By the words of PROTOCOL.md 14.2. */
function expectedDigest(call: Beacon): Uint8Array {
  const frame = encodeMessage(call, 77);
  return createHash("sha256")
    .update(frame.subarray(0, frame.length - CRC_LENGTH))
    .digest();
}

function known(calls: SentCalls, floors: readonly number[]): number[] {
  return floors.filter((floor) => {
    const digest = expectedDigest(callWith(floor));
    const found = calls.find(digest.subarray(0, 8));
    return found !== undefined && toHex(found) === toHex(digest);
  });
}

describe("the calls of a target that an offer may answer", () => {
  it("are none before it called", () => {
    expect(new SentCalls().find(eight(0))).toBeUndefined();
  });

  it("are the last four that differ", () => {
    const calls = new SentCalls();
    for (const floor of [1, 2, 3, 4, 5]) calls.note(callWith(floor));
    expect(known(calls, [1, 2, 3, 4, 5, 6])).toEqual([2, 3, 4, 5]);
  });

  it("stay as they are however often the same is sent, which makes it the newest", () => {
    const calls = new SentCalls();
    for (const floor of [1, 2, 3, 4]) calls.note(callWith(floor));
    for (let i = 0; i < 10; i++) calls.note(callWith(1));
    expect(known(calls, [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
    calls.note(callWith(5));
    expect(known(calls, [1, 2, 3, 4, 5])).toEqual([1, 3, 4, 5]);
  });

  it("are not found by a part of a name, or by none", () => {
    const calls = new SentCalls();
    calls.note(callWith(1));
    const name = callNameOf(expectedDigest(callWith(1)));
    expect(calls.find(name)).toBeDefined();
    for (const wrong of [name.subarray(1), name.subarray(0, 7), new Uint8Array(), eight(0)])
      expect(calls.find(wrong)).toBeUndefined();
  });

  it("have digests of all bytes but the CRC", () => {
    const call = callWith(9);
    const frame = encodeMessage(call, 1);
    expect(toHex(callDigestOf(frame.subarray(0, -CRC_LENGTH)))).toBe(toHex(expectedDigest(call)));
  });
});
