import { PACKET_NUMBER_BITS } from "../wire/constants.ts";

/**
 * The whole number that low bits on the wire stand for: the one nearest to `expected` (RFC 9000 A.3; PROTOCOL.md
 * 4.1). Never negative.
 */
export function decodeNumber(low: number, bits: number, expected: number): number {
  const span = 2 ** bits;
  const candidate = expected - (expected % span) + low;
  if (candidate <= expected - span / 2) return candidate + span;
  if (candidate > expected + span / 2 && candidate >= span) return candidate - span;
  return candidate;
}

/** Packet number from the 12 bits of a frame, given the highest number seen so far (-1 before the first). */
export function decodePacketNumber(low: number, highest: number): number {
  return decodeNumber(low, PACKET_NUMBER_BITS, highest + 1);
}
