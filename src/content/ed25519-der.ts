import { concatBytes, equalBytes, fromHex } from "../base/bytes.ts";
import { toBase64 } from "./base64.ts";
import { DerTag, type DerValue, derOid, derSequence, readDer } from "./der.ts";

/** Object identifier 1.3.101.112 (RFC 8410). */
export const OID_ED25519 = "2b6570";
const KEY_LENGTH = 32;

/** Everything before the key, in SubjectPublicKeyInfo and in PKCS#8 version 1. */
const SPKI_PREFIX: Uint8Array = fromHex("302a300506032b6570032100") ?? new Uint8Array(0);
const PKCS8_PREFIX: Uint8Array = fromHex("302e020100300506032b657004220420") ?? new Uint8Array(0);

/** A private key as it stands in a file. Version 2 of PKCS#8 (RFC 5958) also holds the public half. */
export interface PrivateParts {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array | undefined;
}

/** The raw public key in the DER of a SubjectPublicKeyInfo; undefined for anything else. */
export function publicKeyFromDer(der: Uint8Array): Uint8Array | undefined {
  if (der.length !== SPKI_PREFIX.length + KEY_LENGTH) return undefined;
  return equalBytes(der.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX)
    ? Uint8Array.from(der.subarray(SPKI_PREFIX.length))
    : undefined;
}

/**
 * The parts of a PKCS#8 private key, version 1 or 2, in DER; undefined for anything else. Read here, because not every
 * OpenSSL reads version 2.
 */
export function privatePartsFromDer(der: Uint8Array): PrivateParts | undefined {
  const [version, algorithm, key, ...others] = derSequence(der) ?? [];
  if (version?.tag !== DerTag.integer || version.content.length !== 1) return undefined;
  if (algorithm?.tag !== DerTag.sequence || derOid(algorithm) !== OID_ED25519) return undefined;
  if (key?.tag !== DerTag.bytes) return undefined;
  const inner = readDer(key.content);
  if (inner?.tag !== DerTag.bytes || inner.rest.length > 0 || inner.content.length !== KEY_LENGTH)
    return undefined;
  const seed = Uint8Array.from(inner.content);
  switch (version.content[0]) {
    case 0: // Attributes may follow, which say nothing of the key.
      return others.every(({ tag }) => tag === 0xa0) ? { seed, publicKey: undefined } : undefined;
    case 1:
      return withPublic(seed, others);
    default:
      return undefined;
  }
}

/** The public half has tag [1]: 0x81 as RFC 5958 has it, 0xa1 around a bit string as some libraries write it. */
function withPublic(seed: Uint8Array, others: readonly DerValue[]): PrivateParts | undefined {
  let publicKey: Uint8Array | undefined;
  for (const { tag, content } of others) {
    if (tag === 0xa0) continue;
    const bits = tag === 0x81 ? content : tag === 0xa1 ? innerBits(content) : undefined;
    if (bits?.length !== KEY_LENGTH + 1 || bits[0] !== 0 || publicKey !== undefined) return undefined;
    publicKey = Uint8Array.from(bits.subarray(1));
  }
  return { seed, publicKey };
}

function innerBits(content: Uint8Array): Uint8Array | undefined {
  const value = readDer(content);
  return value?.tag === DerTag.bits && value.rest.length === 0 ? value.content : undefined;
}

/** PKCS#8 version 1 in DER, which every OpenSSL reads. */
export function pkcs8Of(seed: Uint8Array): Uint8Array {
  return concatBytes(PKCS8_PREFIX, seed);
}

/** The base64 line between the marks of a public key's PEM text. */
export function spkiBase64(publicKey: Uint8Array): string {
  return toBase64(concatBytes(SPKI_PREFIX, publicKey));
}

/** PEM text of a raw public key of 32 bytes, byte for byte as openssl writes it. */
export function publicPem(publicKey: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${spkiBase64(publicKey)}\n-----END PUBLIC KEY-----\n`;
}
