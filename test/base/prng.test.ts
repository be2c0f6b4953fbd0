import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  PRNG_SEED_MAX,
  type Random,
  randomBelow,
  randomBytes,
  randomChance,
  randomFraction,
  SeededRandom,
} from "../../src/base/prng.ts";

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.u32());
/** A source that gives one value for ever. */
const always = (value: number): Random => ({ u32: () => value });

describe("a seeded generator", () => {
  it("gives the numbers of splitmix32 and xoshiro128**, computed without this code", () => {
    expect(draw(new SeededRandom(0), 4)).toEqual([0xe308_dc58, 0x4392_d0e4, 0x0331_8f97, 0xac59_3a63]);
    expect(draw(new SeededRandom(1), 4)).toEqual([0x9190_299e, 0xc101_7b27, 0xe3af_522f, 0x7d71_fb05]);
    const last = [0x31d2_8326, 0x7284_81f8, 0x8c70_d5d1, 0x7066_baf4];
    expect(draw(new SeededRandom(PRNG_SEED_MAX), 4)).toEqual(last);
  });

  it("takes a seed modulo 2^32", () => {
    expect(draw(new SeededRandom(2 ** 32 + 1), 4)).toEqual(draw(new SeededRandom(1), 4));
    expect(draw(new SeededRandom(-1), 4)).toEqual(draw(new SeededRandom(PRNG_SEED_MAX), 4));
  });

  property.prop([fc.integer()])("gives the same numbers for the same seed, each in 32 bits", (seed) => {
    const numbers = draw(new SeededRandom(seed), 100);
    expect(numbers).toEqual(draw(new SeededRandom(seed), 100));
    expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)).toBe(true);
  });
});

describe("chance", () => {
  it("is a fraction from 0 to below 1", () => {
    expect(randomFraction(always(0))).toBe(0);
    expect(randomFraction(always(0x8000_0000))).toBe(0.5);
    expect(randomFraction(always(0xffff_ffff))).toBeLessThan(1);
  });

  it("falls below a limit, and reaches each number there", () => {
    expect(randomBelow(always(0xffff_ffff), 6)).toBe(5);
    expect(randomBelow(always(0xffff_ffff), 2 ** 32)).toBe(0xffff_ffff);
    const random = new SeededRandom(3);
    const thrown = new Set(Array.from({ length: 200 }, () => randomBelow(random, 6)));
    expect([...thrown].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(() => randomBelow(random, 0)).toThrow("randomBelow(0)");
  });

  it("hits with its probability: never at 0, always at 1", () => {
    const random = new SeededRandom(5);
    const hits = (p: number): number =>
      Array.from({ length: 10_000 }, () => randomChance(random, p)).filter((hit) => hit).length;
    expect([hits(0), hits(1)]).toEqual([0, 10_000]);
    expect(hits(0.25)).toBeGreaterThan(2300);
    expect(hits(0.25)).toBeLessThan(2700);
  });

  it("draws no number for a probability of 0, so that a fault that is off changes nothing", () => {
    const random = new SeededRandom(7);
    randomChance(random, 0);
    expect(random.u32()).toBe(new SeededRandom(7).u32());
  });

  it("gives as many bytes as asked for, of every value", () => {
    const bytes = randomBytes(new SeededRandom(9), 4096);
    expect(bytes).toHaveLength(4096);
    expect(new Set(bytes).size).toBe(256);
    expect(randomBytes(new SeededRandom(9), 0)).toHaveLength(0);
  });
});
