import type { Millis } from "../../src/base/units.ts";
import type { Neighbour } from "../../src/mesh/neighbours.ts";
import type { OwnBoard } from "../../src/mesh/own-board.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import type { Beacon, Offer } from "../../src/wire/messages.ts";

/** 8 bytes that hold a number, in the order of numbers. */
export function id(number: number): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => (i < 4 ? (number >>> (8 * (3 - i))) & 0xff : 0xa0 + i));
}

export const HARDWARE: Uint8Array = id(0xbeef);

/** An image of this sequence number. `variant`: another image of the same order. */
export function image(sequence: number, variant = 0): NonNullable<NodeStatus["installed"]> {
  return {
    digest: id(1000 * sequence + variant),
    version: { major: sequence, minor: 0, patch: 0 },
    sequence,
  };
}

/** The status of a board that boots the image of this sequence number. */
export function status(board: number, sequence: number, more: Partial<NodeStatus> = {}): NodeStatus {
  const fixed = { nodeId: id(board), hardwareId: HARDWARE, revision: 0, failure: undefined } as const;
  return { ...fixed, installed: image(sequence), receivingDigest: undefined, counterFloor: 0, ...more };
}

export function ownBoard(
  sequence: number,
  more: Partial<NodeStatus> = {},
  layout: OwnBoard["layout"] = "ab",
): OwnBoard {
  return { status: status(1, sequence, more), layout };
}

/** What a board says that boots the image of this sequence number. */
export function beacon(board: number, sequence: number, more: Partial<Beacon> = {}, nonce = 1): Beacon {
  return { ...beaconOf(status(board, sequence), id(nonce)), ...more };
}

/** What a board says that does not boot. */
export function distress(board: number, more: Partial<Beacon> = {}): Beacon {
  const failure = "empty";
  return { ...beaconOf(status(board, 0, { failure, installed: undefined }), id(1)), ...more };
}

/** A neighbour that was heard for a minute and runs the image of this sequence number. */
export function neighbour(board: number, sequence: number, more: Partial<Neighbour> = {}): Neighbour {
  const { digest: installedDigest, version } = image(sequence);
  return {
    link: 0,
    nodeId: id(board),
    bootNonce: id(1),
    isBootable: true,
    isProvider: false,
    isTrial: false,
    wantsUpdate: false,
    hardwareId: HARDWARE,
    version,
    sequence,
    installedDigest,
    receivingDigest: undefined,
    failure: undefined,
    firstHeardAt: -60_000,
    heardAt: 0,
    beacons: 9,
    ...more,
  };
}

/** An offer of the image of this sequence number. */
export function offer(rescuer: number, sequence: number): Offer {
  const { digest, version } = image(sequence);
  const nonces = { rescuerId: id(rescuer), rescuerNonce: id(2), targetNonce: id(1) };
  return { tag: "offer", ...nonces, digest, version, size: 4096, counter: 0, blockSize: 4096 };
}

/** What `poll` says to do next, until it says nothing any more; at most 1,000 things, which no test needs. */
export function drain<T>(poll: () => T | undefined): T[] {
  const all: T[] = [];
  for (let next = poll(); next !== undefined; next = poll()) {
    all.push(next);
    if (all.length > 1_000) throw new Error("there is no end of it");
  }
  return all;
}

/**
 * Calls `step` at each time that `next` names, up to `until`, and counts the calls. Throws if more than ten fall on one
 * time: nothing would ever end that.
 */
export function runUntil(
  until: Millis,
  next: (now: Millis) => Millis | undefined,
  step: (now: Millis) => void,
  from: Millis = 0,
): number {
  let calls = 0;
  let [now, atOnce] = [from, 0];
  for (let at = next(now); at !== undefined && at <= until; at = next(now)) {
    atOnce = at <= now ? atOnce + 1 : 0;
    if (atOnce > 10) throw new Error(`busy at ${now}`);
    now = Math.max(now, at);
    step(now);
    calls++;
  }
  return calls;
}
