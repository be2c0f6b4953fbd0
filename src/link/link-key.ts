/** Gives the MAC of bytes, 8 of them or more: HMAC-SHA-256 (RFC 2104), of which the first 8 are used. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

/**
 * The key of a link, which authorises talking and never firmware (PROTOCOL.md 14). This layer computes no hashes: who
 * has a key brings the means to use it, and the key itself is not to be seen from here.
 */
export interface LinkKey {
  /** HMAC-SHA-256 under the 32 bytes that HKDF-SHA-256 (RFC 5869) derives from the key. */
  deriveMac(salt: Uint8Array, info: Uint8Array): Mac;
}

/** Whether `mac` begins with exactly these bytes. Takes the same time wherever they differ. */
export function macMatches(mac: Uint8Array, bytes: Uint8Array): boolean {
  let difference = bytes.length === 0 ? 1 : 0;
  for (let i = 0; i < bytes.length; i++) difference |= (mac[i] ?? 0x100) ^ (bytes[i] as number);
  return difference === 0;
}
