import { createHmac, createSecretKey, hkdfSync } from "node:crypto";
import type { LinkKey } from "../link/link-key.ts";

const HASH = "sha256";
/** Bytes that are derived: as many as the hash gives. */
const DERIVED_LENGTH = 32;

/** A link key of these bytes, 16 to 1024 of them (`readLinkKey`). HKDF by RFC 5869, HMAC by RFC 2104. */
export function linkKeyOf(secret: Uint8Array): LinkKey {
  const key = createSecretKey(secret);
  return {
    deriveMac: (salt, info) => {
      const derived = createSecretKey(new Uint8Array(hkdfSync(HASH, key, salt, info, DERIVED_LENGTH)));
      return (bytes) => createHmac(HASH, derived).update(bytes).digest();
    },
  };
}
