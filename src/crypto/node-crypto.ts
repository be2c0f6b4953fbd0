import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  hash as hashAtOnce,
  type KeyObject,
  verify,
} from "node:crypto";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import type { CryptoPort } from "../base/crypto-port.ts";

const HASH = "sha256";
/** Longest input, in bytes, that is hashed in one call. */
const AT_ONCE_MAX = 8_192;
/** What stands before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX: Uint8Array = Uint8Array.of(
  0x30,
  0x2a,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x03,
  0x21,
  0x00,
);

/** The cryptography of `node:crypto`, which is OpenSSL. */
export const nodeCrypto: CryptoPort = {
  sha256: (...parts) => {
    // At once takes half the time of a hash object; of what is long, a copy would take more.
    const [first = new Uint8Array()] = parts;
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (size <= AT_ONCE_MAX) {
      const bytes = parts.length === 1 ? first : concatBytes(...parts);
      return new Uint8Array(hashAtOnce(HASH, bytes, "buffer"));
    }
    const hash = createHash(HASH);
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  startSha256: () => {
    const hash = createHash(HASH);
    return {
      update: (part) => {
        hash.update(part);
      },
      finish: () => new Uint8Array(hash.digest()),
    };
  },
  hmacSha256: (key) => {
    const secret = createSecretKey(key);
    return (bytes) => createHmac(HASH, secret).update(bytes).digest();
  },
  verifyEd25519: (publicKey, message, signature) => {
    try {
      return verify(null, message, keyObject(publicKey), signature);
    } catch {
      // OpenSSL throws for a key that is not a point of the curve.
      return false;
    }
  },
};

/** The key checked last: a board has few keys, and parsing one takes longer than verifying with it. */
let latest: { readonly bytes: Uint8Array; readonly key: KeyObject } | undefined;

function keyObject(publicKey: Uint8Array): KeyObject {
  if (latest !== undefined && equalBytes(latest.bytes, publicKey)) return latest.key;
  const der = Buffer.from(concatBytes(SPKI_PREFIX, publicKey));
  latest = { bytes: publicKey.slice(), key: createPublicKey({ key: der, format: "der", type: "spki" }) };
  return latest.key;
}
