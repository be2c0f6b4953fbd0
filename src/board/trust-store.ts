import crc32 from "crc/calculators/crc32";
import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, concatBytes, equalBytes } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { type FlashUnit, isErased, padToUnits, roundUp } from "../flash/geometry.ts";
import { isSoundPoint, PUBLIC_KEY_LENGTH } from "../image/ed25519.ts";
import { keyIdOf, type TrustedKey } from "../image/keys.ts";
import { COUNTER_MAX, COUNTER_STEP_MAX, type ImageRole } from "../image/manifest.ts";

/*
 * The trust store as a board without files keeps it in flash (PROTOCOL.md 13.6).
 */

/** Most keys of a trust store. */
export const TRUST_KEYS_MAX = 8;
/** Bytes of the header. */
export const TRUST_HEADER_SIZE = 32;
/** Bytes of an entry. */
export const TRUST_ENTRY_SIZE = 64;

const MAGIC = Uint8Array.of(0x4d, 0x44, 0x54, 0x52, 0x55, 0x53, 0x54, 0x01); // "MDTRUST", version 1
const TYPE_ED25519 = 0x01;
const ROLE_APP = 0x01;
const ROLE_RECOVERY = 0x02;

/** The keys that a board trusts, and which of two copies is the later one. */
export interface TrustStore {
  /** 32 bits; rises with each change. */
  readonly sequence: number;
  readonly keys: readonly TrustedKey[];
}

/** The bytes of a trust store, each part in whole write units. UsageError `trust-store` for what it cannot hold. */
export function encodeTrustStore({ sequence, keys }: TrustStore, unit: FlashUnit): Uint8Array {
  if (keys.length > TRUST_KEYS_MAX) {
    throw new UsageError("trust-store", `${keys.length} keys: a trust store holds at most ${TRUST_KEYS_MAX}`);
  }
  const header = new ByteWriter(TRUST_HEADER_SIZE).bytes(MAGIC).u32(sequence).u8(keys.length);
  header.bytes(new Uint8Array(15));
  return concatBytes(...[sealed(header), ...keys.map(encodeKey)].map((part) => padToUnits(unit, part)));
}

/**
 * Reads a trust store from the start of `bytes`; undefined when it is not right in every byte. There is no half of one:
 * a key that is left out could be the limit of another one.
 */
export function decodeTrustStore(bytes: Uint8Array, unit: FlashUnit): TrustStore | undefined {
  const header = partAt(bytes, 0, TRUST_HEADER_SIZE, unit);
  if (header === undefined) return undefined;
  const reader = new ByteReader(header);
  const isMagic = equalBytes(reader.bytes(MAGIC.length), MAGIC);
  const sequence = reader.u32();
  const count = reader.u8();
  if (!isMagic || count > TRUST_KEYS_MAX || !isZero(reader.bytes(15))) return undefined;
  const keys: TrustedKey[] = [];
  const stride = roundUp(TRUST_ENTRY_SIZE, unit.writeSize);
  for (let i = 0; i < count; i++) {
    const at = roundUp(TRUST_HEADER_SIZE, unit.writeSize) + i * stride;
    const entry = partAt(bytes, at, TRUST_ENTRY_SIZE, unit);
    const key = entry === undefined ? undefined : decodeKey(entry);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return { sequence, keys };
}

function encodeKey({ publicKey, roles, maxCounter, maxStep }: TrustedKey): Uint8Array {
  assert(publicKey.length === PUBLIC_KEY_LENGTH, "a raw Ed25519 key");
  const bits = (roles.includes("app") ? ROLE_APP : 0) | (roles.includes("recovery") ? ROLE_RECOVERY : 0);
  const writer = new ByteWriter(TRUST_ENTRY_SIZE).u8(TYPE_ED25519).u8(bits).u16(0);
  writer.u32(maxCounter ?? COUNTER_MAX).u32(maxStep ?? COUNTER_STEP_MAX);
  return sealed(writer.bytes(new Uint8Array(16)).bytes(publicKey));
}

function decodeKey(entry: Uint8Array): TrustedKey | undefined {
  const reader = new ByteReader(entry);
  const type = reader.u8();
  const bits = reader.u8();
  const isKnown =
    type === TYPE_ED25519 && bits >= 1 && bits <= (ROLE_APP | ROLE_RECOVERY) && reader.u16() === 0;
  const maxCounter = reader.u32();
  const maxStep = reader.u32();
  if (!isKnown || !isZero(reader.bytes(16))) return undefined;
  const publicKey = reader.bytes(PUBLIC_KEY_LENGTH).slice();
  if (!isSoundPoint(publicKey)) return undefined;
  const roles: ImageRole[] = [];
  if ((bits & ROLE_APP) !== 0) roles.push("app");
  if ((bits & ROLE_RECOVERY) !== 0) roles.push("recovery");
  return { keyId: keyIdOf(publicKey), publicKey, roles, maxCounter, maxStep };
}

/** A part with its CRC behind it. */
function sealed(writer: ByteWriter): Uint8Array {
  return writer.u32(crc32(writer.finish()) >>> 0).finish();
}

/** A part whose CRC is right, and behind which its write unit is erased. */
function partAt(bytes: Uint8Array, at: number, size: number, unit: FlashUnit): Uint8Array | undefined {
  const part = bytes.subarray(at, at + size);
  const padding = bytes.subarray(at + size, at + roundUp(size, unit.writeSize));
  if (part.length < size || !isErased(unit, padding)) return undefined;
  const crc = new ByteReader(part.subarray(size - 4)).u32();
  return crc === crc32(part.subarray(0, size - 4)) >>> 0 ? part : undefined;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
