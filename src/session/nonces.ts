import { type Random, randomBytes } from "../base/prng.ts";
import { NONCE_LENGTH } from "../wire/constants.ts";

/** Gives a fresh nonce, 8 bytes. */
export type Nonces = () => Uint8Array;

/** Nonces that are as good as the generator. */
export function randomNonces(random: Random): Nonces {
  return () => randomBytes(random, NONCE_LENGTH);
}
