import { assert } from "../../base/assert.ts";
import { CODEWORD_MAX, MENDABLE_MAX } from "../constants.ts";
import { divide, GALOIS_ORDER, multiply, powerOf, productsOf } from "./galois.ts";

/** By the number of parity bytes: for each feedback byte its products with the generator polynomial's coefficients. */
const FEEDBACK: Map<number, Uint8Array> = new Map();
/** For each root of the generator polynomial: the products of that root with every element. */
const ROOTS: readonly Uint8Array[] = Array.from({ length: 2 * MENDABLE_MAX }, (_, i) =>
  productsOf(powerOf(i)),
);

/** Coefficients of (x - 2^0) (x - 2^1) ... (x - 2^(count - 1)), the highest first, without the leading 1. */
function generatorOf(count: number): Uint8Array {
  const poly = new Uint8Array(count + 1);
  poly[0] = 1;
  for (let root = 0; root < count; root++)
    for (let i = root + 1; i > 0; i--)
      poly[i] = (poly[i] as number) ^ multiply(poly[i - 1] as number, powerOf(root));
  return poly.subarray(1);
}

function feedbackOf(parity: number): Uint8Array {
  const known = FEEDBACK.get(parity);
  if (known !== undefined) return known;
  const table = new Uint8Array(256 * parity);
  generatorOf(parity).forEach((coefficient, i) => {
    const products = productsOf(coefficient);
    for (let byte = 0; byte < 256; byte++) table[byte * parity + i] = products[byte] as number;
  });
  FEEDBACK.set(parity, table);
  return table;
}

/**
 * Writes the parity of `data` (at most 255 - `parity.length` bytes) into `parity`: 2 t bytes that mend t wrong ones, t from
 * 1 to 16. Systematic, shortened where the data is shorter (PROTOCOL.md 2.5).
 */
export function writeParity(data: Uint8Array, parity: Uint8Array): void {
  const count = parity.length;
  assert(count <= 2 * MENDABLE_MAX && data.length + count <= CODEWORD_MAX, "codeword too long");
  const table = feedbackOf(count);
  const last = count - 1;
  parity.fill(0);
  for (let i = 0; i < data.length; i++) {
    const row = ((data[i] as number) ^ (parity[0] as number)) * count;
    for (let j = 0; j < last; j++) parity[j] = (parity[j + 1] as number) ^ (table[row + j] as number);
    parity[last] = table[row + last] as number;
  }
}

/**
 * Mends a codeword in place: `parity` is the number of its bytes that are parity, at its end. Returns how many bytes were
 * wrong, or undefined when there are more than it can mend; the codeword is as it was then. What has more wrong bytes may be
 * taken for another codeword: the CRC of the frame shows that. Never throws, whatever the bytes.
 */
export function mend(codeword: Uint8Array, parity: number): number | undefined {
  const syndromes = syndromesOf(codeword, parity);
  if (syndromes === undefined) return 0;
  const locator = locatorOf(syndromes);
  if (locator === undefined) return undefined;
  const count = locator.length - 1;
  const places = placesOf(locator, codeword.length);
  if (places.length !== count) return undefined;
  const evaluator = evaluatorOf(syndromes, locator);
  const derivative = derivativeOf(locator);
  for (const place of places) {
    const inverse = powerOf((GALOIS_ORDER - place) % GALOIS_ORDER);
    // As many places as the locator's degree are simple roots: the derivative is not 0 there.
    const error = divide(valueAt(evaluator, inverse), valueAt(derivative, inverse));
    const at = codeword.length - 1 - place;
    codeword[at] = (codeword[at] as number) ^ multiply(powerOf(place), error);
  }
  return count;
}

/** The codeword's values at the generator's roots; undefined when all are 0: nothing is wrong. */
function syndromesOf(codeword: Uint8Array, parity: number): Uint8Array | undefined {
  const syndromes = new Uint8Array(parity);
  let any = 0;
  for (let j = 0; j < parity; j++) {
    const products = ROOTS[j] as Uint8Array;
    let value = 0;
    for (let i = 0; i < codeword.length; i++) value = (products[value] as number) ^ (codeword[i] as number);
    syndromes[j] = value;
    any |= value;
  }
  return any === 0 ? undefined : syndromes;
}

/**
 * Berlekamp and Massey: the shortest polynomial that makes the syndromes, lowest coefficient first; undefined when it is longer
 * than half of them, or shorter than its length says: too many bytes are wrong.
 */
function locatorOf(syndromes: Uint8Array): Uint8Array | undefined {
  const most = syndromes.length >> 1;
  let locator = new Uint8Array(syndromes.length + 1);
  let before = new Uint8Array(syndromes.length + 1);
  locator[0] = 1;
  before[0] = 1;
  let length = 0;
  let gap = 1;
  let scale = 1;
  for (let n = 0; n < syndromes.length; n++) {
    let wrong = syndromes[n] as number;
    for (let i = 1; i <= length; i++) wrong ^= multiply(locator[i] as number, syndromes[n - i] as number);
    if (wrong !== 0) {
      const next = minusShifted(locator, before, divide(wrong, scale), gap);
      if (2 * length <= n) {
        before = locator;
        length = n + 1 - length;
        scale = wrong;
        gap = 0;
        if (length > most) return undefined;
      }
      locator = next;
    }
    gap++;
  }
  return locator[length] === 0 ? undefined : locator.subarray(0, length + 1);
}

/** a - factor x^by b, as far as a reaches. */
function minusShifted(a: Uint8Array, b: Uint8Array, factor: number, by: number): Uint8Array<ArrayBuffer> {
  const out = a.slice();
  for (let i = by; i < out.length; i++) out[i] = (out[i] as number) ^ multiply(b[i - by] as number, factor);
  return out;
}

/** Chien search: the places, counted from the codeword's end, whose inverse power is a root of the locator. */
function placesOf(locator: Uint8Array, length: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < length && places.length < locator.length; place++)
    if (valueAt(locator, powerOf((GALOIS_ORDER - place) % GALOIS_ORDER)) === 0) places.push(place);
  return places;
}

/** Forney's evaluator: syndromes times locator, as far as the syndromes reach. */
function evaluatorOf(syndromes: Uint8Array, locator: Uint8Array): Uint8Array {
  return syndromes.map((_, n) => {
    let sum = 0;
    for (let i = 0; i <= n && i < locator.length; i++)
      sum ^= multiply(locator[i] as number, syndromes[n - i] as number);
    return sum;
  });
}

/** Formal derivative: in characteristic 2 the odd powers lose their x, and the even ones vanish. */
function derivativeOf(poly: Uint8Array): Uint8Array {
  return poly.subarray(1).map((coefficient, i) => (i % 2 === 0 ? coefficient : 0));
}

function valueAt(poly: Uint8Array, x: number): number {
  let value = 0;
  for (let i = poly.length - 1; i >= 0; i--) value = multiply(value, x) ^ (poly[i] as number);
  return value;
}
