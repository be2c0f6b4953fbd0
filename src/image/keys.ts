import { toHex } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { KEY_ID_LENGTH } from "./cose.ts";
import { isSoundPoint, PUBLIC_KEY_LENGTH } from "./ed25519.ts";
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

/**
 * A raw Ed25519 public key, 32 bytes, trusted for `roles`. UsageError `key-length`, or `key-unsound` for a point that
 * no honest key can be. `name` is what errors call it.
 */
export function trustedKeyFromBytes(
  publicKey: Uint8Array,
  roles: readonly ImageRole[],
  name = "public key",
): TrustedKey {
  if (publicKey.length !== PUBLIC_KEY_LENGTH) {
    const message = `${name} has ${publicKey.length} bytes; a raw Ed25519 key has ${PUBLIC_KEY_LENGTH}`;
    throw new UsageError("key-length", message, { length: publicKey.length });
  }
  if (!isSoundPoint(publicKey)) {
    throw new UsageError("key-unsound", `${name} is a point of small order: anyone can make its signatures`);
  }
  return { keyId: keyIdOf(publicKey), publicKey, roles };
}

/** The public half of a signing key, trusted for `roles`. */
export function trustedKeyOf(key: SigningKey, roles: readonly ImageRole[]): TrustedKey {
  return { keyId: key.keyId, publicKey: key.publicKey, roles };
}

/** A key id as users see it: 16 hexadecimal digits. */
export function formatKeyId(keyId: Uint8Array): string {
  return toHex(keyId);
}
