import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { RttEstimator } from "../../src/link/rtt.ts";

function estimateAfter(floor: number, ...samples: number[]): RttEstimator {
  const rtt = new RttEstimator(floor);
  for (const sample of samples) rtt.sample(sample);
  return rtt;
}

describe("round-trip estimate", () => {
  it.each([
    ["before the first sample", 10, [], 30, 100],
    ["first sample: SRTT = R, RTTVAR = R / 2", 10, [100], 100, 300],
    ["second sample: gains of 1/8 and 1/4", 10, [100, 60], 95, 285],
    ["third sample", 10, [100, 60, 95], 95, 95 + 4 * 35.625],
    ["a steady line comes down to the floor", 10, new Array(60).fill(8), 8, 18],
    ["the floor of a USB adapter", 25, new Array(60).fill(8), 8, 33],
  ])("%s", (_name, floor, samples, smoothed, timeout) => {
    const rtt = estimateAfter(floor, ...samples);
    expect(rtt.smoothed).toBeCloseTo(smoothed, 4);
    expect(rtt.timeout).toBeCloseTo(timeout, 4);
  });

  it("takes a sample below zero, after line time and delay are off, for zero", () => {
    expect(estimateAfter(10, -5).timeout).toBe(10);
  });

  property.prop([
    fc.array(fc.double({ min: -50, max: 2000, noNaN: true }), { minLength: 1, maxLength: 50 }),
    fc.constantFrom(10, 25),
  ])(
    "never times out before the round trip and the floor, nor after seven of the longest",
    (samples, floor) => {
      const rtt = estimateAfter(floor, ...samples);
      const longest = Math.max(0, ...samples);
      expect(rtt.timeout).toBeGreaterThanOrEqual(rtt.smoothed + floor);
      expect(rtt.smoothed).toBeLessThanOrEqual(longest + 1e-9);
      expect(rtt.timeout).toBeLessThanOrEqual(Math.max(longest + floor, 7 * longest) + 1e-9);
    },
  );
});
