import { toHex } from "../base/bytes.ts";
import { KEY_ID_LENGTH } from "./cose.ts";
import { sha256 } from "./hash.ts";
import type { ImageRole } from "./manifest.ts";

/** A private key that signs manifests. */
export interface SigningKey {
  /** First 8 bytes of SHA-256 of the raw public key. */
  readonly keyId: Uint8Array;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature of a message, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** A public key that a board trusts for some roles. */
export interface TrustedKey {
  readonly keyId: Uint8Array;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly roles: readonly ImageRole[];
}

/** Key id of a raw public key, 8 bytes. */
export function keyIdOf(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).subarray(0, KEY_ID_LENGTH);
}

/** The public half of a signing key, trusted for `roles`. */
export function trustedKeyOf(key: SigningKey, roles: readonly ImageRole[]): TrustedKey {
  return { keyId: key.keyId, publicKey: key.publicKey, roles };
}

/** A key id as users see it: 16 hexadecimal digits. */
export function formatKeyId(keyId: Uint8Array): string {
  return toHex(keyId);
}
