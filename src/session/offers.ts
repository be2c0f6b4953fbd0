import { Codec, codecBit, PAYLOAD_MAX } from "../wire/constants.ts";
import type { Accept, Offer } from "../wire/messages.ts";
import type { SessionIdentity } from "./identity.ts";
import { OPEN_BLOCKS_MAX } from "./receiving.ts";

/** The answer that takes an offer, with what this target can take. */
export function acceptOf({ targetNonce, rescuerNonce, digest }: SessionIdentity): Accept {
  const codecs = codecBit(Codec.raw) | codecBit(Codec.uniform);
  const limits = { payloadMax: PAYLOAD_MAX, openBlocks: OPEN_BLOCKS_MAX, codecs };
  return { tag: "accept", targetNonce, rescuerNonce, digest, ...limits };
}

/** A copy that does not hold views into the run it came from. */
export function keepOffer(offer: Offer): Offer {
  const { rescuerId, rescuerNonce, targetNonce, digest } = offer;
  const copies = { rescuerId: rescuerId.slice(), rescuerNonce: rescuerNonce.slice(), digest: digest.slice() };
  return { ...offer, ...copies, targetNonce: targetNonce.slice() };
}
