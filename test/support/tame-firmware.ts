import { concatBytes } from "../../src/base/bytes.ts";
import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";

/** Bytes that compress to about half, more with earlier ones as a dictionary: pieces that come back, and some that do not. */
export function tameFirmware(size: number, seed: number = 1): Uint8Array {
  const random = new SeededRandom(seed);
  const pieces = Array.from({ length: 400 }, () => randomBytes(random, 8 + randomBelow(random, 40)));
  const parts: Uint8Array[] = [];
  for (let length = 0; length < size; length += parts.at(-1)?.length ?? 0) {
    const piece = pieces[randomBelow(random, pieces.length)];
    parts.push(randomBelow(random, 3) === 0 || piece === undefined ? randomBytes(random, 12) : piece);
  }
  return concatBytes(...parts).slice(0, size);
}
