import * as v from "valibot";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { checkSignature } from "../image/ed25519.ts";
import type { SigningKey, TrustedKey } from "../image/keys.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import { type Field, hex, line, WALL_MAX, whole } from "./fields.ts";
import { parsedJson } from "./fleet-messages.ts";
import { isFleetName } from "./names.ts";

/** Longest signed word, in bytes. */
export const WORD_MAX = 8192;
const KEY_ID_LENGTH = 8;
const SIGNATURE_LENGTH = 64;
const URLS_MAX = 8;
const URL_MAX = 512;

/** What is the same in all words of an owner. */
interface WordHead {
  readonly v: 1;
  /** Of another fleet it means nothing. */
  readonly fleet: string;
  /** Rises with each word about the same thing: an older one is a replay. */
  readonly sequence: number;
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number;
}

/** A pointer to an image that is there to be fetched. It has no authority: boards judge the manifest. */
export interface OfferWord extends WordHead {
  readonly word: "offer";
  /** First 8 bytes of SHA-256("vendor/class"), 16 digits. */
  readonly hardware: string;
  readonly version: string;
  /** 64 digits. */
  readonly digest: string;
  readonly urls: readonly string[];
}

/** An image is held up until the word expires. It can only stop. */
export interface StopWord extends WordHead {
  readonly word: "stop";
  /** Short digest, 16 digits. */
  readonly digest: string;
  readonly reason?: string | undefined;
}

export type OwnerWord = OfferWord | StopWord;

const name: Field<string> = v.pipe(v.string(), v.check(isFleetName));
const head = { v: v.literal(1), fleet: name, sequence: whole(), expires: whole(WALL_MAX) };
const url = v.pipe(v.string(), v.maxLength(URL_MAX), v.regex(/^https?:\/\/[\x21-\x7e]+$/));
const WordSchema = v.variant("word", [
  v.strictObject({
    word: v.literal("offer"),
    ...head,
    hardware: hex(16),
    version: line,
    digest: hex(64),
    urls: v.pipe(v.array(url), v.maxLength(URLS_MAX)),
  }),
  v.strictObject({ word: v.literal("stop"), ...head, digest: hex(16), reason: v.exactOptional(line) }),
]);

/*
 * A word is a COSE_Sign1 (RFC 9052) around JSON, as manifests are one around CBOR (PROTOCOL.md 8.2): a template of which only
 * key id, length, payload and signature change, so that nothing is parsed before its signature is verified.
 */
/** { 1: -8 (EdDSA), 3: "application/vnd.mayday-word+json" } */
const CONTENT_TYPE = "application/vnd.mayday-word+json";
const PROTECTED: Uint8Array = concatBytes(
  Uint8Array.of(0xa2, 0x01, 0x27, 0x03, 0x78, CONTENT_TYPE.length),
  encodeUtf8(CONTENT_TYPE),
);
const PROTECTED_ITEM: Uint8Array = concatBytes(Uint8Array.of(0x58, PROTECTED.length), PROTECTED);
/** 18([ protected, { 4: kid }, payload, signature ]) up to the key id. */
const PREFIX: Uint8Array = concatBytes(
  Uint8Array.of(0xd2, 0x84),
  PROTECTED_ITEM,
  Uint8Array.of(0xa1, 0x04, 0x48),
);
/** [ "Signature1", protected, h'', payload ] up to the payload. */
const SIGNED_PREFIX: Uint8Array = concatBytes(
  Uint8Array.of(0x84, 0x6a),
  encodeUtf8("Signature1"),
  PROTECTED_ITEM,
  Uint8Array.of(0x40),
);
const SIGNATURE_HEAD: Uint8Array = Uint8Array.of(0x58, SIGNATURE_LENGTH);
const PAYLOAD_HEAD = 3;
/** The head of a byte string has three bytes from this length on: shorter JSON is filled up with spaces. */
const PAYLOAD_MIN = 256;

/** A word, signed. */
export function signWord(word: OwnerWord, key: SigningKey): Uint8Array {
  const payload = encodeUtf8(JSON.stringify(word).padEnd(PAYLOAD_MIN));
  const signature = key.sign(signedBytes(payload));
  return concatBytes(PREFIX, key.keyId, payloadHead(payload.length), payload, SIGNATURE_HEAD, signature);
}

/** Why a word is not heard. `foreign-key`: none of the owner's keys signed it. */
export type WordFault = "format" | "foreign-key" | "signature";

/** Checks and reads a word that one of `keys` signed. Never throws. */
export function openWord(bytes: Uint8Array, keys: readonly TrustedKey[]): OwnerWord | WordFault {
  const payloadAt = PREFIX.length + KEY_ID_LENGTH + PAYLOAD_HEAD;
  const length = bytes.length - payloadAt - SIGNATURE_HEAD.length - SIGNATURE_LENGTH;
  if (length < PAYLOAD_MIN || bytes.length > WORD_MAX) return "format";
  const keyId = bytes.subarray(PREFIX.length, PREFIX.length + KEY_ID_LENGTH);
  const payload = bytes.subarray(payloadAt, payloadAt + length);
  const signature = bytes.subarray(payloadAt + length + SIGNATURE_HEAD.length);
  const template = concatBytes(PREFIX, keyId, payloadHead(length), payload, SIGNATURE_HEAD, signature);
  if (!equalBytes(bytes, template)) return "format";
  const key = keys.find((one) => equalBytes(one.keyId, keyId));
  if (key === undefined) return "foreign-key";
  if (checkSignature(key.publicKey, signedBytes(payload), signature) !== undefined) return "signature";
  const parsed = v.safeParse(WordSchema, parsedJson(payload));
  return parsed.success ? parsed.output : "format";
}

function signedBytes(payload: Uint8Array): Uint8Array {
  return concatBytes(SIGNED_PREFIX, payloadHead(payload.length), payload);
}

function payloadHead(length: number): Uint8Array {
  return Uint8Array.of(0x59, length >>> 8, length & 0xff);
}
