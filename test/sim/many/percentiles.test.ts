import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { percentile } from "../../../src/sim/many/percentiles.ts";

describe("a percentile by nearest rank", () => {
  it.each([
    [50, [15, 20, 35, 40, 50], 35],
    [30, [15, 20, 35, 40, 50], 20],
    [100, [15, 20, 35, 40, 50], 50],
    [50, [10, 9, 100, 2], 9],
    [99, [7], 7],
  ])("of %i percent of %j is %i", (percent, values, expected) => {
    expect(percentile(values, percent)).toBe(expected);
  });

  it("keeps to whole ranks where a share times a count would be a little more", () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    for (let percent = 1; percent <= 100; percent++) expect(percentile(values, percent)).toBe(percent);
  });

  it("does not exist without values", () => {
    expect(percentile([], 50)).toBeUndefined();
  });

  it.each([0, -1, 101, Number.NaN])("of %d percent is a mistake of the caller", (percent) => {
    expect(() => percentile([1], percent)).toThrow("percentile(");
  });

  property.prop([fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 100 })], { seed: 1 })(
    "is the smallest value that so many do not exceed, and leaves the values in their order",
    (values, percent) => {
      const before = [...values];
      const found = percentile(values, percent) ?? Number.NaN;
      const upTo = (limit: number): number => values.filter((value) => value <= limit).length;
      expect(values).toContain(found);
      expect(100 * upTo(found)).toBeGreaterThanOrEqual(percent * values.length);
      expect(100 * upTo(found - 1)).toBeLessThan(percent * values.length);
      expect(values).toEqual(before);
    },
  );
});
