import type { RefusalReason } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import { BLOCK_MAX, type ByeReason } from "../wire/constants.ts";
import type {
  Accept,
  AcceptAsks,
  Bye,
  Defer,
  DeferReason,
  Limits,
  Offer,
  Refuse,
  StandDown,
} from "../wire/messages.ts";
import type { SessionIdentity } from "./identity.ts";

/** Block buffers of a target: 64 KiB in all, but 4 blocks at least and 64 at most. */
const BUFFER_BYTES = 64 * 1024;
const OPEN_BLOCKS_MIN = 4;
const OPEN_BLOCKS_MAX = 64;

/** How long a rescuer that is stood down waits before it comes back, at most. */
export const RETRY_AFTER_MS: Millis = 5_000;

/** Blocks of this size that a target keeps open at once; 0 for an unknown size. Stated in ACCEPT. */
export function openBlocksOf(blockSize: number): number {
  const fitting = Math.floor(BUFFER_BYTES / (blockSize || BLOCK_MAX));
  return Math.max(OPEN_BLOCKS_MIN, Math.min(OPEN_BLOCKS_MAX, fitting));
}

/**
 * The session that an offer would begin. Copies, because the offer is a view into the received run. `callDigest`: of the call
 * that it answers, with a link key.
 */
export function identityOf(
  offer: Offer,
  targetId: Uint8Array,
  callDigest: Uint8Array | undefined,
): SessionIdentity {
  return {
    targetId,
    targetNonce: offer.targetNonce.slice(),
    rescuerId: offer.rescuerId.slice(),
    rescuerNonce: offer.rescuerNonce.slice(),
    digest: offer.digest.slice(),
    callDigest,
  };
}

/** A copy without views into the received run. */
export function keepOffer(offer: Offer): Offer {
  const { rescuerId, rescuerNonce, targetNonce, digest } = offer;
  const copies = { rescuerId: rescuerId.slice(), rescuerNonce: rescuerNonce.slice(), digest: digest.slice() };
  return { ...offer, ...copies, targetNonce: targetNonce.slice() };
}

/** What a target says when it takes an offer. */
export interface Acceptance {
  /** Largest payload of a frame, in bytes. */
  readonly payloadMax: number;
  readonly openBlocks: number;
  /** Set of codecs that it takes. */
  readonly codecs: number;
  /** Undefined: the manifest alone. */
  readonly asks: AcceptAsks | undefined;
  /** Of a target that can change the rate of its line. */
  readonly limits: Limits | undefined;
}

/** The message that accepts an offer. */
export function acceptOf(
  { targetNonce, rescuerNonce, digest }: SessionIdentity,
  { payloadMax, openBlocks, codecs, asks, limits }: Acceptance,
): Accept {
  const accept: Accept = {
    ...{ tag: "accept", targetNonce, rescuerNonce, digest },
    ...{ payloadMax, openBlocks, codecs },
  };
  return { ...accept, ...(asks && { asks }), ...(limits && { limits }) };
}

/** The message that refuses the image of an offer. */
export function refuseOf(
  { targetNonce, rescuerNonce, digest }: SessionIdentity,
  reason: RefusalReason,
): Refuse {
  return { tag: "refuse", targetNonce, rescuerNonce, digest, reason };
}

/** The message that stands a rescuer down: `winnerId` serves this target already. */
export function standDownOf(
  { targetId, rescuerNonce }: SessionIdentity,
  winnerId: Uint8Array,
  retryAfterMs: Millis,
): StandDown {
  return { tag: "standDown", targetId, rescuerNonce, winnerId, retryAfterMs };
}

/** Why an image has to wait, and how long. */
export interface Deferral {
  readonly reason: Exclude<DeferReason, "other">;
  readonly forMs: Millis;
}

/** The message that lets an image wait for this long. */
export function deferOf(
  { targetNonce, rescuerNonce, digest }: SessionIdentity,
  reason: DeferReason,
  forMs: Millis,
): Defer {
  const seconds = Math.min(0xffff_ffff, Math.ceil(forMs / 1000));
  return { tag: "defer", targetNonce, rescuerNonce, digest, reason, seconds };
}

/** The message that leaves a session. */
export function byeOf({ targetNonce, rescuerNonce }: SessionIdentity, reason: ByeReason): Bye {
  return { tag: "bye", targetNonce, rescuerNonce, reason };
}
