import { equalBytes, toHex } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { KEY_ID_LENGTH } from "./cose.ts";
import { isSoundPoint, PUBLIC_KEY_LENGTH } from "./ed25519.ts";
import { sha256 } from "./hash.ts";
import { COUNTER_STEP_MAX, type ImageRole } from "./manifest.ts";

/** A private key that signs manifests. */
export interface SigningKey {
  /** First 8 bytes of SHA-256 of the raw public key. */
  readonly keyId: Uint8Array;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature of a message, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** Limits that a board sets to a key. They are the board's: nothing that the key signs changes them. */
export interface KeyLimits {
  /** Images with a higher security counter are refused, and do not boot. 32 bits; none unless given. */
  readonly maxCounter?: number | undefined;
  /**
   * From the first confirmed image on, images that are further above the board's counter floor are refused. 32 bits;
   * {@link COUNTER_STEP_MAX} unless given.
   */
  readonly maxStep?: number | undefined;
}

/** A public key that a board trusts for some roles, within limits. */
export interface TrustedKey extends KeyLimits {
  readonly keyId: Uint8Array;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly roles: readonly ImageRole[];
}

/**
 * What all entries of one public key give together: every role that one of them has, and the lowest of each limit, so
 * that a limit cannot be evaded by an entry without it.
 */
export function joinedKey(key: TrustedKey, others: readonly TrustedKey[]): TrustedKey {
  const all = [key, ...others.filter((other) => equalBytes(other.publicKey, key.publicKey))];
  return {
    ...key,
    roles: [...new Set(all.flatMap(({ roles }) => roles))],
    maxCounter: least(all.map(({ maxCounter }) => maxCounter)),
    maxStep: maxStepOf(all, key.keyId),
  };
}

/** How far above the floor an image of the key with this id may be. An entry without a step of its own has that of all boards. */
export function maxStepOf(keys: readonly TrustedKey[], keyId: Uint8Array): number {
  const named = keys.filter((key) => equalBytes(key.keyId, keyId));
  return least(named.map(({ maxStep }) => maxStep ?? COUNTER_STEP_MAX)) ?? COUNTER_STEP_MAX;
}

function least(limits: readonly (number | undefined)[]): number | undefined {
  const given = limits.filter((limit) => limit !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
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
