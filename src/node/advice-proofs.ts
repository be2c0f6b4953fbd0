import type { LinkKey } from "../link/link-key.ts";
import type { AdviceProof } from "../mesh/gates.ts";
import { isEstablished, type Neighbour } from "../mesh/neighbours.ts";
import { type AdviceEnd, isAdviceProven, proveAdvice } from "../session/advice-proof.ts";
import type { Protect } from "../wire/frame.ts";
import type { LinkProof } from "../wire/link-proof.ts";

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

/** The proof of a word to the neighbour of a link with a key, the one heard last; undefined when nobody can be told. */
export function proofFor(
  key: LinkKey,
  own: AdviceEnd,
  neighbours: readonly Neighbour[],
  digest: Uint8Array,
): Protect | undefined {
  const to = neighbours.findLast(isEstablished);
  return to && proveAdvice(key, own, to, digest);
}
