import { ed25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import type { CryptoPort } from "../base/crypto-port.ts";

const { Point } = ed25519;

/** The cryptography in JavaScript, for runtimes without `node:crypto`. */
export const portableCrypto: CryptoPort = {
  sha256: (...parts) => {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  startSha256: () => {
    const hash = sha256.create();
    return {
      update: (part) => {
        hash.update(part);
      },
      finish: () => hash.digest(),
    };
  },
  hmacSha256: (key) => {
    const keyed = hmac.create(sha256, key);
    return (bytes) => keyed.clone().update(bytes).digest();
  },
  // Not ed25519.verify: it multiplies by the cofactor, and so takes signatures that Node and boards refuse.
  verifyEd25519: (publicKey, message, signature) => {
    const r = signature.subarray(0, 32);
    const key = pointOf(publicKey);
    if (key === undefined) return false;
    const k = numberOf(sha512(concatBytes(r, publicKey, message))) % Point.Fn.ORDER;
    const s = numberOf(signature.subarray(32));
    const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
    return equalBytes(expected.toBytes(), r);
  },
};

/** The point that 32 bytes encode; undefined when there is none on the curve. */
function pointOf(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** A number from its little-endian bytes. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}
