import { EMPTY } from "../base/bytes.ts";
import { type LinkKey, type Mac, macMatches } from "../link/link-key.ts";
import { LinkKeyUse } from "../wire/constants.ts";
import type { Protect } from "../wire/frame.ts";
import type { LinkProof } from "../wire/link-proof.ts";
import { deriveMac, protectBy } from "./link-guard.ts";

/** A node that says or hears a word about an image, by its beacon. */
export interface AdviceEnd {
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
}

/** The proof of a word from one node to another, by the boot nonces that their beacons said last (PROTOCOL.md 14.8). */
export function proveAdvice(key: LinkKey, from: AdviceEnd, to: AdviceEnd, digest: Uint8Array): Protect {
  return protectBy(adviceMac(key, from, to, digest), EMPTY);
}

/** Whether a word has the proof of {@link proveAdvice}. */
export function isAdviceProven(
  key: LinkKey,
  from: AdviceEnd,
  to: AdviceEnd,
  digest: Uint8Array,
  { covered, mac }: LinkProof,
): boolean {
  return macMatches(adviceMac(key, from, to, digest)(covered), mac);
}

function adviceMac(key: LinkKey, from: AdviceEnd, to: AdviceEnd, digest: Uint8Array): Mac {
  const target = { targetId: to.nodeId, targetNonce: to.bootNonce };
  const rescuer = { rescuerId: from.nodeId, rescuerNonce: from.bootNonce };
  return deriveMac(key, { ...target, ...rescuer, digest }, EMPTY, LinkKeyUse.advice);
}
