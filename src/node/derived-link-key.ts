import { concatBytes } from "../base/bytes.ts";
import { cryptoPort } from "../base/crypto-port.ts";
import type { LinkKey } from "../link/link-key.ts";

/** The number of the first block of output that HKDF-Expand computes; its 32 bytes are all that is needed. */
const FIRST_BLOCK: Uint8Array = Uint8Array.of(1);

/**
 * The link key of a secret of 16 to 1024 random bytes (`readLinkKey`). Never of a pass phrase: nothing here stretches it, and
 * guesses can be tried on one recorded handshake. HKDF by RFC 5869, HMAC by RFC 2104.
 */
export function linkKeyOf(secret: Uint8Array): LinkKey {
  const { hmacSha256 } = cryptoPort();
  const own = secret.slice();
  return {
    deriveMac: (salt, info) => {
      const extracted = hmacSha256(salt)(own);
      const derived = hmacSha256(extracted)(concatBytes(info, FIRST_BLOCK));
      return hmacSha256(derived);
    },
  };
}
