import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addRange,
  RANGES_MAX,
  removeRange,
  type SectorRange,
  touchesRange,
} from "../../../src/flash/record/sector-ranges.ts";

const range = fc
  .tuple(fc.nat(120), fc.nat(6))
  .map(([first, more]): SectorRange => ({ first, last: first + more }));
const members = (ranges: readonly SectorRange[]): number[] =>
  ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

describe("sector ranges", () => {
  it("joins ranges that touch, and splits a range that loses its middle", () => {
    const joined = addRange(addRange([], { first: 4, last: 5 }), { first: 1, last: 3 });
    expect(joined).toEqual([{ first: 1, last: 5 }]);
    expect(removeRange(joined, { first: 3, last: 3 })).toEqual([
      { first: 1, last: 2 },
      { first: 4, last: 5 },
    ]);
  });

  it("joins across the smallest gap when there are too many", () => {
    let ranges: SectorRange[] = [];
    for (let i = 0; i < RANGES_MAX; i++) ranges = addRange(ranges, { first: 100 * i, last: 100 * i });
    ranges = addRange(ranges, { first: 303, last: 303 });
    expect(ranges).toHaveLength(RANGES_MAX);
    expect(ranges[3]).toEqual({ first: 300, last: 303 });
  });

  it("joins the first of equally small gaps, also the last two ranges", () => {
    const singles = (step: (i: number) => number): SectorRange[] => {
      let ranges: SectorRange[] = [];
      for (let i = 0; i <= RANGES_MAX; i++) ranges = addRange(ranges, { first: step(i), last: step(i) });
      return ranges;
    };
    expect(singles((i) => 10 * i)[0]).toEqual({ first: 0, last: 10 });
    const tight = singles((i) => (i === RANGES_MAX ? 10 * i - 8 : 10 * i));
    expect(tight).toHaveLength(RANGES_MAX);
    expect(tight.at(-1)).toEqual({ first: 10 * RANGES_MAX - 10, last: 10 * RANGES_MAX - 8 });
    expect(tight.slice(0, -1).every(({ first, last }) => first === last)).toBe(true);
  });

  it("stays unchanged where a removal would need one range too many", () => {
    let ranges: readonly SectorRange[] = [];
    for (let i = 0; i < RANGES_MAX - 1; i++) ranges = addRange(ranges, { first: 10 * i, last: 10 * i + 2 });
    const full = removeRange(ranges, { first: 1, last: 1 });
    expect(full).toHaveLength(RANGES_MAX);
    expect(full.slice(0, 2)).toEqual([
      { first: 0, last: 0 },
      { first: 2, last: 2 },
    ]);
    expect(removeRange(full, { first: 11, last: 11 })).toBe(full);
    expect(removeRange(full, { first: 10, last: 11 })).toHaveLength(RANGES_MAX);
  });

  it("only loses sectors that are removed, and equals a set while there is room", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), range), { maxLength: 60 }), (steps) => {
        let ranges: readonly SectorRange[] = [];
        let model = new Set<number>();
        let isExact = true;
        for (const [isAdded, step] of steps) {
          const next = isAdded ? addRange(ranges, step) : removeRange(ranges, step);
          for (const member of members([step])) isAdded ? model.add(member) : model.delete(member);
          if (next.length === RANGES_MAX) isExact = false;
          ranges = next;
          const now = members(ranges);
          expect(ranges.length).toBeLessThanOrEqual(RANGES_MAX);
          expect(now.length).toBe(new Set(now).size);
          for (const member of model) expect(now).toContain(member);
          if (isExact) expect(now).toEqual([...model].sort((a, b) => a - b));
          model = new Set(isExact ? model : now);
          expect(touchesRange(ranges, step)).toBe(members([step]).some((member) => now.includes(member)));
        }
      }),
      { numRuns: 200 },
    );
  });
});
