import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";
import type { LinkKey } from "../link/link-key.ts";
import type { AdviceProof } from "../mesh/gates.ts";
import { isEstablished, type Neighbour } from "../mesh/neighbours.ts";
import { type AdviceEnd, isAdviceProven, proveAdvice } from "../session/advice-proof.ts";
import { type Deferral, deferOf, identityOf } from "../session/handshake.ts";
import type { LinkProof } from "../wire/link-proof.ts";
import type { ImageWord, Offer } from "../wire/messages.ts";

/** Who says a word, by the link key that neighbours of this link have. `proof`: that of the word. */
export function judgeAdvice(
  key: LinkKey | undefined,
  own: AdviceEnd,
  neighbours: readonly Neighbour[],
  digest: Uint8Array,
  proof: LinkProof | undefined,
): AdviceProof {
  if (key === undefined) return "none";
  if (proof === undefined) return "wrong";
  const isProven = neighbours.some(
    (from) => isEstablished(from) && isAdviceProven(key, from, own, digest, proof),
  );
  return isProven ? "good" : "wrong";
}

/**
 * Says a word about an image on a link, if the line allows it now (PROTOCOL.md 2.4). Lost otherwise: words are repeated. On a
 * link with a key it is said to the neighbour that was heard last.
 */
export function sayWord(
  now: Millis,
  link: Link,
  own: AdviceEnd,
  neighbours: readonly Neighbour[],
  word: ImageWord,
): void {
  // What the node says of itself goes first.
  if (link.foreign.unasked.freeAt > now || link.hasUnasked) return;
  const to = neighbours.findLast(isEstablished);
  if (link.key === undefined) link.sendUnasked(now, word);
  else if (to !== undefined) link.sendUnasked(now, word, proveAdvice(link.key, own, to, word.digest));
}

/** Says that the board takes an image later for which it did not call. With a link key that cannot be proven, and is not said. */
export function sayDeferral(link: Link, offer: Offer, nodeId: Uint8Array, { reason, forMs }: Deferral): void {
  if (link.key === undefined) link.send(deferOf(identityOf(offer, nodeId, undefined), reason, forMs));
}
