import crc32 from "crc/calculators/crc32";

/**
 * CRC-32 (IEEE 802.3): polynomial 0x04C11DB7, initial value 0xFFFFFFFF, input and output reflected, final XOR
 * 0xFFFFFFFF; check value over "123456789" is 0xCBF43926. PROTOCOL.md 3.3.
 *
 * With a session `tag` (1 to 0xFFFFFFFF) the computation continues from a CRC of `tag`, as if bytes with
 * that CRC came before: a frame of another session fails.
 */
export function frameCrc(bytes: Uint8Array, tag?: number): number {
  return crc32(bytes, tag) >>> 0;
}

/**
 * The session tag: CRC-32 over both nonces, both ids and the short digest, never 0 (PROTOCOL.md 3.4). A tag of 0 is
 * replaced by 1.
 */
export function sessionTag(identity: Uint8Array): number {
  return frameCrc(identity) || 1;
}
