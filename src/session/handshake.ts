import type { RefusalReason } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import type { ByeReason } from "../wire/constants.ts";
import type { Accept, Bye, Offer, Refuse, StandDown } from "../wire/messages.ts";
import { KNOWN_CODECS } from "./codecs.ts";
import type { SessionIdentity } from "./identity.ts";

/** Most blocks that a target keeps open at once; stated in ACCEPT. */
export const OPEN_BLOCKS_MAX = 64;

/** A rescuer that is stood down comes back after this long. */
const RETRY_AFTER_MS: Millis = 5_000;

/** The session that an offer would begin, in copies: the offer is a view into what was received. */
export function identityOf(offer: Offer, targetId: Uint8Array): SessionIdentity {
  return {
    targetId,
    targetNonce: offer.targetNonce.slice(),
    rescuerId: offer.rescuerId.slice(),
    rescuerNonce: offer.rescuerNonce.slice(),
    digest: offer.digest.slice(),
  };
}

/** A copy that does not hold views into the run it came from. */
export function keepOffer(offer: Offer): Offer {
  const { rescuerId, rescuerNonce, targetNonce, digest } = offer;
  const copies = { rescuerId: rescuerId.slice(), rescuerNonce: rescuerNonce.slice(), digest: digest.slice() };
  return { ...offer, ...copies, targetNonce: targetNonce.slice() };
}

/** Takes the offer. `payloadMax`: largest payload of a frame, in bytes. */
export function acceptOf({ targetNonce, rescuerNonce, digest }: SessionIdentity, payloadMax: number): Accept {
  return {
    tag: "accept",
    targetNonce,
    rescuerNonce,
    digest,
    payloadMax,
    openBlocks: OPEN_BLOCKS_MAX,
    codecs: KNOWN_CODECS,
  };
}

/** Will not have this image. */
export function refuseOf(
  { targetNonce, rescuerNonce, digest }: SessionIdentity,
  reason: RefusalReason,
): Refuse {
  return { tag: "refuse", targetNonce, rescuerNonce, digest, reason };
}

/** Is served by `winnerId` already. */
export function standDownOf({ targetId, rescuerNonce }: SessionIdentity, winnerId: Uint8Array): StandDown {
  return { tag: "standDown", targetId, rescuerNonce, winnerId, retryAfterMs: RETRY_AFTER_MS };
}

/** Leaves the session. */
export function byeOf({ targetNonce, rescuerNonce }: SessionIdentity, reason: ByeReason): Bye {
  return { tag: "bye", targetNonce, rescuerNonce, reason };
}
