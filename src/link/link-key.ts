/** Computes the MAC of bytes: HMAC-SHA-256 (RFC 2104). At least its first 8 bytes; only these are used. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

/**
 * The key of a link, which authorises peers and never firmware (PROTOCOL.md 14). The secret stays with the implementation:
 * this layer only gets MACs.
 */
export interface LinkKey {
  /** HMAC-SHA-256 under the 32 bytes that HKDF-SHA-256 (RFC 5869) derives from the key. */
  deriveMac(salt: Uint8Array, info: Uint8Array): Mac;
}

/** Whether `mac` begins with these bytes, of which there is at least one. Takes the same time wherever they differ. */
export function macMatches(mac: Uint8Array, bytes: Uint8Array): boolean {
  let difference = bytes.length === 0 ? 1 : 0;
  for (let i = 0; i < bytes.length; i++) difference |= (mac[i] ?? 0x100) ^ (bytes[i] as number);
  return difference === 0;
}
