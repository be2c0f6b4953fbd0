import { cryptoPort, type RunningHash } from "../base/crypto-port.ts";

/** SHA-256 over the parts, joined: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return cryptoPort().sha256(...parts);
}

/** Begins a SHA-256 over bytes that arrive in pieces. */
export function startSha256(): RunningHash {
  return cryptoPort().startSha256();
}
