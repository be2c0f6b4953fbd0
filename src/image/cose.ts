import { concatBytes, equalBytes } from "../base/bytes.ts";
import { type ManifestFault, manifestFault } from "./manifest-payload.ts";
import { encodeUtf8 } from "./utf8.ts";

/*
 * The bytes around a manifest payload (PROTOCOL.md section 8.2): COSE_Sign1 (RFC 9052) when signed, a two-element
 * array with a content type of its own when not. Both are templates: for one payload length every byte but the
 * key id and the signature is fixed, so that nothing is parsed before the signature is verified.
 */

export const KEY_ID_LENGTH = 8;
export const SIGNATURE_LENGTH = 64;
/** Bytes of a payload that an envelope can carry: within these limits the head of the byte string has three bytes. */
export const MANIFEST_PAYLOAD_MIN = 256;
export const MANIFEST_PAYLOAD_MAX = 512;

const CONTENT_TYPE_SIGNED = "application/vnd.mayday";
const CONTENT_TYPE_UNSIGNED = "application/vnd.mayday-unsigned";

/** { 1: -8 (EdDSA), 3: "application/vnd.mayday" } */
const PROTECTED: Uint8Array = concatBytes(
  Uint8Array.of(0xa2, 0x01, 0x27, 0x03, 0x76),
  encodeUtf8(CONTENT_TYPE_SIGNED),
);
const PROTECTED_ITEM: Uint8Array = concatBytes(Uint8Array.of(0x58, PROTECTED.length), PROTECTED);

/** 18([ protected, { 4: kid }, payload, signature ]) up to the key id. */
const SIGNED_PREFIX: Uint8Array = concatBytes(
  Uint8Array.of(0xd2, 0x84),
  PROTECTED_ITEM,
  Uint8Array.of(0xa1, 0x04, 0x48),
);
const SIGNATURE_HEAD: Uint8Array = Uint8Array.of(0x58, SIGNATURE_LENGTH);
/** [ content type, payload ] up to the payload. */
const UNSIGNED_PREFIX: Uint8Array = concatBytes(
  Uint8Array.of(0x82, 0x78, CONTENT_TYPE_UNSIGNED.length),
  encodeUtf8(CONTENT_TYPE_UNSIGNED),
);
/** [ "Signature1", protected, h'', payload ] up to the payload. */
const SIGNED_BYTES_PREFIX: Uint8Array = concatBytes(
  Uint8Array.of(0x84, 0x6a),
  encodeUtf8("Signature1"),
  PROTECTED_ITEM,
  Uint8Array.of(0x40),
);

const PAYLOAD_HEAD_LENGTH = 3;
/** Offset of the key id in a signed envelope. */
export const KEY_ID_OFFSET: number = SIGNED_PREFIX.length;
/** Offset of the payload in a signed envelope. */
export const SIGNED_PAYLOAD_OFFSET: number = KEY_ID_OFFSET + KEY_ID_LENGTH + PAYLOAD_HEAD_LENGTH;
/** Offset of the payload in an unsigned envelope. */
export const UNSIGNED_PAYLOAD_OFFSET: number = UNSIGNED_PREFIX.length + PAYLOAD_HEAD_LENGTH;
/** Bytes after the payload of a signed envelope. */
const SIGNED_TAIL: number = SIGNATURE_HEAD.length + SIGNATURE_LENGTH;
/** Longest envelope, in bytes. Messages leave room for a longer one (`MANIFEST_MAX`), but the format has none. */
export const ENVELOPE_MAX: number = SIGNED_PAYLOAD_OFFSET + MANIFEST_PAYLOAD_MAX + SIGNED_TAIL;
/** Shortest envelope, in bytes. */
export const ENVELOPE_MIN: number = UNSIGNED_PAYLOAD_OFFSET + MANIFEST_PAYLOAD_MIN;

/** An envelope split by its template. The payload is not parsed. All parts are views. */
export type EnvelopeParts =
  | { readonly tag: "unsigned"; readonly payload: Uint8Array }
  | {
      readonly tag: "signed";
      readonly payload: Uint8Array;
      readonly keyId: Uint8Array;
      readonly signature: Uint8Array;
    };

function payloadHead(length: number): Uint8Array {
  return Uint8Array.of(0x59, length >>> 8, length & 0xff);
}

/** The bytes that an Ed25519 signature covers: the Sig_structure of RFC 9052 section 4.4. */
export function signedBytes(payload: Uint8Array): Uint8Array {
  return concatBytes(SIGNED_BYTES_PREFIX, payloadHead(payload.length), payload);
}

/** COSE_Sign1 around a payload. */
export function wrapSigned(payload: Uint8Array, keyId: Uint8Array, signature: Uint8Array): Uint8Array {
  return concatBytes(SIGNED_PREFIX, keyId, payloadHead(payload.length), payload, SIGNATURE_HEAD, signature);
}

/** The envelope of an unsigned image. */
export function wrapUnsigned(payload: Uint8Array): Uint8Array {
  return concatBytes(UNSIGNED_PREFIX, payloadHead(payload.length), payload);
}

/** Compares an envelope with the two templates, at fixed offsets, and splits it. Never throws. */
export function splitEnvelope(bytes: Uint8Array): EnvelopeParts | ManifestFault {
  const isSigned = bytes[0] === SIGNED_PREFIX[0];
  const prefix = isSigned ? SIGNED_PREFIX : UNSIGNED_PREFIX;
  const payloadOffset = isSigned ? SIGNED_PAYLOAD_OFFSET : UNSIGNED_PAYLOAD_OFFSET;
  const tail = isSigned ? SIGNED_TAIL : 0;
  const length = bytes.length - payloadOffset - tail;
  if (length < MANIFEST_PAYLOAD_MIN || length > MANIFEST_PAYLOAD_MAX) {
    const limits = `${ENVELOPE_MIN} to ${ENVELOPE_MAX}`;
    return manifestFault("length", 0, `envelope of ${bytes.length} bytes, allowed are ${limits}`);
  }
  const payload = bytes.subarray(payloadOffset, payloadOffset + length);
  const head = bytes.subarray(payloadOffset - PAYLOAD_HEAD_LENGTH, payloadOffset);
  if (!equalBytes(bytes.subarray(0, prefix.length), prefix) || !equalBytes(head, payloadHead(length))) {
    return manifestFault("envelope", 0, "the bytes before the payload are not those of a manifest");
  }
  if (!isSigned) return { tag: "unsigned", payload };
  const tailOffset = payloadOffset + length;
  const signatureOffset = tailOffset + SIGNATURE_HEAD.length;
  if (!equalBytes(bytes.subarray(tailOffset, signatureOffset), SIGNATURE_HEAD)) {
    return manifestFault("envelope", tailOffset, "there is no signature after the payload");
  }
  const keyId = bytes.subarray(KEY_ID_OFFSET, KEY_ID_OFFSET + KEY_ID_LENGTH);
  return { tag: "signed", payload, keyId, signature: bytes.subarray(signatureOffset) };
}
