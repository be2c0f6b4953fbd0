import { assert } from "./assert.ts";

/** SHA-256 over bytes that arrive in pieces. */
export interface RunningHash {
  update(part: Uint8Array): void;
  /** The hash, 32 bytes. Call once, at the end. */
  finish(): Uint8Array;
}

/**
 * The cryptography that mayday computes: hashes of images, the check of their signatures, MACs of links. All of it is
 * synchronous, because a machine's effects are; WebCrypto, which only has promises, does not fit.
 */
export interface CryptoPort {
  /** SHA-256 over the parts, joined: 32 bytes, a fresh array. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** Begins a SHA-256 over bytes that arrive in pieces. */
  startSha256(): RunningHash;
  /** HMAC-SHA-256 (RFC 2104) under a key of any length: the function gives 32 bytes. */
  hmacSha256(key: Uint8Array): (bytes: Uint8Array) => Uint8Array;
  /**
   * Whether an Ed25519 signature fits, by the equation without cofactor: R has the very bytes that encode [S]B - [k]A
   * (RFC 8032 section 5.1.7). Never true with the cofactor only. The caller (`checkSignature`) has checked that the
   * key has 32 bytes and the signature 64, that key and R are canonical encodings and not of small order, and that S
   * is below the group order. False too for a key that is not a point of the curve.
   */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

let current: CryptoPort | undefined;

/** Sets what {@link cryptoPort} gives from now on. The entries `mayday` and `mayday/browser` do it when loaded. */
export function setCryptoPort(port: CryptoPort): void {
  current = port;
}

/** Whether {@link setCryptoPort} was called. */
export function hasCryptoPort(): boolean {
  return current !== undefined;
}

/** The implementation in use. AssertionError when none was set. */
export function cryptoPort(): CryptoPort {
  assert(
    current !== undefined,
    "no cryptography is set: import mayday or mayday/browser, or call setCryptoPort, before the first hash",
  );
  return current;
}
