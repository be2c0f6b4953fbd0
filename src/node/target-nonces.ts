import type { Random } from "../base/prng.ts";
import type { TargetStore } from "../board/target-store.ts";
import type { LinkKey } from "../link/link-key.ts";
import { countedNonces, type Nonces, randomNonces } from "../session/nonces.ts";

/**
 * The nonces of a target's start. With a link key they do not repeat, by a number that is written to the board's record first;
 * without one they only tell sessions apart, and nothing is written (PROTOCOL.md 14.2).
 */
export function targetNonces(store: TargetStore, linkKey: LinkKey | undefined, random: Random): Nonces {
  if (linkKey === undefined) return randomNonces(random);
  return countedNonces(linkKey, store.status().nodeId, store.takeStart(), random);
}
