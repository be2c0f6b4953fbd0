/** Generator of the cyclic (23, 12) Golay code, x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1 (PROTOCOL.md 2.5). */
const GENERATOR = 0xc75;
const DATA_BITS = 12;
const CHECK_BITS = 11;

/** Wrong bits that any word can have and still be told. */
export const GOLAY_MENDABLE = 3;

/** Number of bits that are set among 32. */
export function bitCount(value: number): number {
  const pairs = value - ((value >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return (((fours + (fours >>> 4)) & 0x0f0f_0f0f) * 0x0101_0101) >>> 24;
}

/** The extended Golay code: 12 bits, their 11 check bits, and a bit that makes the number of ones even: 24 bits. */
export function golayEncode(data: number): number {
  let rest = data << CHECK_BITS;
  for (let bit = DATA_BITS + CHECK_BITS - 1; bit >= CHECK_BITS; bit--)
    if (rest & (1 << bit)) rest ^= GENERATOR << (bit - CHECK_BITS);
  const word = (data << CHECK_BITS) | rest;
  return (word << 1) | (bitCount(word) & 1);
}

const SINGLE_BITS: readonly number[] = Array.from({ length: DATA_BITS }, (_, i) => golayEncode(1 << i));

/**
 * The 12 bits of the word that differs from `received` (24 bits) in at most three bits; undefined when none does. Any two
 * words differ in eight bits.
 */
export function golayDecode(received: number): number | undefined {
  let data = received >>> DATA_BITS;
  let difference = golayEncode(data) ^ received;
  if (bitCount(difference) <= GOLAY_MENDABLE) return data;
  // All words in the order of a Gray code, each one bit of data from the one before.
  for (let step = 1; step < 1 << DATA_BITS; step++) {
    const bit = 31 - Math.clz32(step & -step);
    data ^= 1 << bit;
    difference ^= SINGLE_BITS[bit] as number;
    if (bitCount(difference) <= GOLAY_MENDABLE) return data;
  }
  return undefined;
}
