import { equalBytes, fromHex } from "../base/bytes.ts";
import { cryptoPort } from "../base/crypto-port.ts";

export const PUBLIC_KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;

/** Why a signature is refused (PROTOCOL.md section 8.4). */
export type SignatureFault =
  | "length" // key or signature of the wrong length
  | "key" // the public key is not a canonical encoding of a point, or is of small order
  | "nonce" // the same for R, the signature's first half
  | "scalar" // S, the second half, is not below the group order
  | "equation"; // all is well-formed, but this key did not sign this message

// RFC 8032 section 5.1, both little-endian: the field's prime 2^255 - 19 and the order of the base point.
const PRIME: Uint8Array = hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
const ORDER: Uint8Array = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** y of the eight points whose order divides 8; their x only differs in sign. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  hex("0000000000000000000000000000000000000000000000000000000000000000"), // order 4
  hex("0100000000000000000000000000000000000000000000000000000000000000"), // order 1
  hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // order 2
  hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8
  hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), // order 8
];

function hex(text: string): Uint8Array {
  return fromHex(text) ?? new Uint8Array(0);
}

/**
 * Whether the little-endian number `a` is below `b`; both of one length. Not constant-time: nothing here is secret.
 */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = a.length - 1; i >= 0; i--) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Whether 32 bytes may be a public key or R: a canonical encoding, and not of a point of small order. */
export function isSoundPoint(point: Uint8Array): boolean {
  const y = Uint8Array.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  // x = 0 with the sign bit set is the other non-canonical form; both points with x = 0 are of small order.
  return isBelow(y, PRIME) && !SMALL_ORDER_Y.some((small) => equalBytes(small, y));
}

/**
 * Verifies an Ed25519 signature strictly: undefined when it is valid. OpenSSL alone accepts public keys of small
 * order, for which anyone can sign any message, and non-canonical encodings. Verifiers disagree about such inputs, so
 * that a relay and a board could judge one image differently: all of them are refused here. Never throws.
 */
export function checkSignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): SignatureFault | undefined {
  if (publicKey.length !== PUBLIC_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return "length";
  if (!isSoundPoint(publicKey)) return "key";
  if (!isSoundPoint(signature.subarray(0, 32))) return "nonce";
  if (!isBelow(signature.subarray(32), ORDER)) return "scalar";
  return cryptoPort().verifyEd25519(publicKey, message, signature) ? undefined : "equation";
}
