/** GF(256) with the polynomial 0x11D and the generator 2, as in QR codes (PROTOCOL.md 2.5). */
const POLYNOMIAL = 0x11d;
/** Number of elements but 0. */
export const GALOIS_ORDER = 255;

/** Powers of the generator, twice over, so that a sum of two logarithms needs no modulo. */
const EXP = new Uint8Array(2 * GALOIS_ORDER);
const LOG = new Uint8Array(GALOIS_ORDER + 1);
let power = 1;
for (let i = 0; i < GALOIS_ORDER; i++) {
  EXP[i] = power;
  EXP[i + GALOIS_ORDER] = power;
  LOG[power] = i;
  power = power & 0x80 ? (power << 1) ^ POLYNOMIAL : power << 1;
}

/** The generator to the power of `exponent`, 0 to 509. */
export function powerOf(exponent: number): number {
  return EXP[exponent] as number;
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (EXP[(LOG[a] as number) + (LOG[b] as number)] as number);
}

/** a / b; b is not 0. */
export function divide(a: number, b: number): number {
  return a === 0 ? 0 : (EXP[(LOG[a] as number) + GALOIS_ORDER - (LOG[b] as number)] as number);
}

/** The products of `factor` with every element. */
export function productsOf(factor: number): Uint8Array {
  return Uint8Array.from({ length: GALOIS_ORDER + 1 }, (_, element) => multiply(factor, element));
}
