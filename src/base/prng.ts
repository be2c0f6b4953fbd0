import { assert } from "./assert.ts";

/** A source of random numbers. The core takes it as an argument, so that a seed replays a run. */
export interface Random {
  /** A whole number in [0, 2^32). */
  u32(): number;
}

/** Largest seed of {@link SeededRandom}; of a larger number it takes the low 32 bits. */
export const PRNG_SEED_MAX = 0xffff_ffff;

/** Deterministic generator (xoshiro128**, Blackman and Vigna 2018), seeded by splitmix32. Not for secrets. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  u32(): number {
    const scrambled = Math.imul(rotl(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotl(this.#d, 11);
    return scrambled;
  }
}

function rotl(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** A fraction in [0, 1). */
export function randomFraction(random: Random): number {
  return random.u32() / 0x1_0000_0000;
}

/** A whole number in [0, limit). `limit` is 1 to 2^32. */
export function randomBelow(random: Random, limit: number): number {
  assert(limit >= 1, `randomBelow(${limit})`);
  return Math.floor(randomFraction(random) * limit);
}

/** True with probability `p`. */
export function randomChance(random: Random, p: number): boolean {
  return p > 0 && randomFraction(random) < p;
}

/** `length` random bytes. */
export function randomBytes(random: Random, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = random.u32() & 0xff;
  return out;
}
