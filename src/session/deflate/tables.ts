/** Longest code of DEFLATE, in bits. */
export const BITS_MAX = 15;
export const END_OF_BLOCK = 256;
/** Symbols that stand for literals, the end of a block and lengths; 286 and 287 have a code in fixed blocks, and no meaning. */
export const LITERALS_MAX = 286;
const FIXED_LITERALS = 288;
export const DISTANCES_MAX = 30;
/** The order in which a dynamic block states the lengths of the code that its other lengths are written in. */
export const LENGTHS_ORDER: readonly number[] = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
export const LENGTH_BASE: readonly number[] = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
export const LENGTH_BITS: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
export const DISTANCE_BASE: readonly number[] = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];

/** Lengths of the fixed code for literals and lengths; that of distances has five bits for each. */
export function fixedLiteralLengths(): Uint8Array {
  return new Uint8Array(FIXED_LITERALS).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
}

/** Bits that follow the code of a distance symbol. */
export function distanceBitsOf(symbol: number): number {
  return Math.max(0, (symbol >> 1) - 1);
}
