import { ByteWriter, concatBytes } from "../base/bytes.ts";
import { type Random, randomBytes } from "../base/prng.ts";
import type { LinkKey } from "../link/link-key.ts";
import { NONCE_LENGTH } from "../wire/constants.ts";

/** Gives a fresh nonce, 8 bytes. */
export type Nonces = () => Uint8Array;

/** Info of the key that nonces are computed with (PROTOCOL.md 14.2). */
const LABEL: Uint8Array = Uint8Array.from("mayday nonce 1", (c) => c.charCodeAt(0));
/** Bytes under the MAC: start, index, random ones. */
const COUNTED_LENGTH: number = 4 + 4 + NONCE_LENGTH;

/** Nonces that are as good as the generator: enough where there is no link key. */
export function randomNonces(random: Random): Nonces {
  return () => randomBytes(random, NONCE_LENGTH);
}

/**
 * Nonces of one start of a node with a link key: they do not repeat, and nobody without the key foresees them, even if the
 * generator repeats from start to start (PROTOCOL.md 14.2). `start`: a u32 that no other start of this node has.
 */
export function countedNonces(key: LinkKey, nodeId: Uint8Array, start: number, random: Random): Nonces {
  const mac = key.deriveMac(nodeId, LABEL);
  let index = 0;
  return () => {
    const counted = new ByteWriter(COUNTED_LENGTH).u32(start).u32(index++).finish();
    return mac(concatBytes(counted, randomBytes(random, NONCE_LENGTH))).slice(0, NONCE_LENGTH);
  };
}
