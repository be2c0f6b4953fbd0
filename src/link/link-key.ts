/** Gives the MAC of octets, 8 of them or more: HMAC-SHA-256 (RFC 2104), of which the first 8 are used. */
export type Mac = (octets: Uint8Array) => Uint8Array;

/**
 * The key of a link, which authorises talking and never firmware (PROTOCOL.md 14). This layer computes no hashes: who
 * has a key brings the means to use it, and the key itself is not to be seen from here.
 */
export interface LinkKey {
  /** HMAC-SHA-256 under the 32 octets that HKDF-SHA-256 (RFC 5869) derives from the key. */
  deriveMac(salt: Uint8Array, info: Uint8Array): Mac;
}

/** Whether `mac` begins with exactly these octets. Takes the same time wherever they differ. */
export function macMatches(mac: Uint8Array, octets: Uint8Array): boolean {
  let difference = octets.length === 0 ? 1 : 0;
  for (let i = 0; i < octets.length; i++) difference |= (mac[i] ?? 0x100) ^ (octets[i] as number);
  return difference === 0;
}
