import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";

/** Longest input that mutation makes, in bytes. */
const LENGTH_MAX = 4096;
const MUTATIONS_MAX = 6;
/** Values at which lengths and counters break. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] as const;

/** One of the list. It must not be empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[randomBelow(random, list.length)] as T;
}

/** An input near one of the corpus, or once in sixteen times plain noise. */
export function mutated(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  if (corpus.length === 0 || randomBelow(random, 16) === 0) {
    return randomBytes(random, randomBelow(random, randomChance(random, 0.1) ? 600 : 40));
  }
  let input = pick(random, corpus);
  for (let left = randomBelow(random, MUTATIONS_MAX + 1); left > 0; left--)
    input = step(random, input, corpus);
  return input.subarray(0, LENGTH_MAX);
}

function step(random: Random, input: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  const at = randomBelow(random, input.length + 1);
  switch (randomBelow(random, 9)) {
    case 0: // flip a bit
      return changed(input, at, (byte) => byte ^ (1 << randomBelow(random, 8)));
    case 1:
      return changed(input, at, () => pick(random, EDGES));
    case 2:
      return changed(input, at, () => random.u32() & 0xff);
    case 3: // count up or down
      return changed(input, at, (byte) => byte + (randomBelow(random, 2) === 0 ? 1 : 0xff));
    case 4: // cut short
      return input.slice(0, at);
    case 5: // leave out
      return concatBytes(input.subarray(0, at), input.subarray(at + 1 + randomBelow(random, 8)));
    case 6: // put in between
      return concatBytes(
        input.subarray(0, at),
        randomBytes(random, 1 + randomBelow(random, 8)),
        input.subarray(at),
      );
    case 7: {
      // repeat a piece
      const piece = input.subarray(at, at + 1 + randomBelow(random, 32));
      return concatBytes(input.subarray(0, at), piece, input.subarray(at));
    }
    default: {
      // the head of one, the tail of another
      const other = pick(random, corpus);
      return concatBytes(input.subarray(0, at), other.subarray(randomBelow(random, other.length + 1)));
    }
  }
}

function changed(input: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  if (at >= input.length) return input;
  const out = input.slice();
  out[at] = change(out[at] ?? 0);
  return out;
}
