import { createHmac, createSecretKey, hkdfSync } from "node:crypto";
import type { LinkKey } from "../link/link-key.ts";

const HASH = "sha256";
/** Bytes to derive: the length of the hash. */
const DERIVED_LENGTH = 32;

/** The link key of a secret of 16 to 1024 bytes (`readLinkKey`). HKDF by RFC 5869, HMAC by RFC 2104. */
export function linkKeyOf(secret: Uint8Array): LinkKey {
  const key = createSecretKey(secret);
  return {
    deriveMac: (salt, info) => {
      const derived = createSecretKey(new Uint8Array(hkdfSync(HASH, key, salt, info, DERIVED_LENGTH)));
      return (bytes) => createHmac(HASH, derived).update(bytes).digest();
    },
  };
}
