import { createHash } from "node:crypto";

/** Bytes of a SHA-256 hash. */
export const HASH_LENGTH = 32;

/** SHA-256 over the parts, joined. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
}

/** SHA-256 over bytes that arrive in pieces. */
export class RunningHash {
  readonly #hash = createHash("sha256");

  update(part: Uint8Array): void {
    this.#hash.update(part);
  }

  /** The hash; call once, at the end. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#hash.digest());
  }
}
