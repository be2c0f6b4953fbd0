import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { type Range, RangeSet } from "../../src/link/range-set.ts";

/** All ranges, lowest first; empties the set. */
function drain(set: RangeSet): Range[] {
  const out: Range[] = [];
  for (let range = set.first; range !== undefined; range = set.first) {
    out.push(range);
    set.remove(range.from, range.to);
  }
  return out;
}

/** The maximal ranges of a set of numbers. */
function rangesOf(numbers: ReadonlySet<number>): Range[] {
  const out: { from: number; to: number }[] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = out.at(-1);
    if (last?.to === n) last.to++;
    else out.push({ from: n, to: n + 1 });
  }
  return out;
}

describe("a set of ranges", () => {
  it("is empty when new and after all was removed", () => {
    expect(new RangeSet().isEmpty).toBe(true);
    const set = RangeSet.of(3, 9);
    expect(set.isEmpty).toBe(false);
    set.remove(0, 100);
    expect(set.isEmpty).toBe(true);
    expect(set.first).toBeUndefined();
  });

  it("joins ranges that touch, and splits one from the middle", () => {
    const set = RangeSet.of(0, 10);
    set.add(20, 30);
    set.add(10, 20);
    expect(set.isExactly(30)).toBe(true);
    set.remove(12, 14);
    expect(drain(set)).toEqual([
      { from: 0, to: 12 },
      { from: 14, to: 30 },
    ]);
  });

  it("is exactly a range only without holes and from zero", () => {
    expect(RangeSet.of(0, 5).isExactly(5)).toBe(true);
    expect(RangeSet.of(0, 5).isExactly(6)).toBe(false);
    expect(RangeSet.of(1, 5).isExactly(5)).toBe(false);
    expect(new RangeSet().isExactly(0)).toBe(false);
  });

  it("takes empty ranges as nothing", () => {
    const set = RangeSet.of(4, 4);
    set.add(9, 2);
    expect(set.isEmpty).toBe(true);
    set.add(0, 8);
    set.remove(5, 5);
    set.remove(6, 3);
    expect(set.isExactly(8)).toBe(true);
  });

  const edge = fc.nat({ max: 60 });
  const steps = fc.array(fc.tuple(fc.boolean(), edge, edge), { maxLength: 40 });

  property.prop([steps], { numRuns: 500 })("holds what a set of bytes would", (operations) => {
    const set = new RangeSet();
    const model = new Set<number>();
    for (const [isAdd, from, to] of operations) {
      if (isAdd) set.add(from, to);
      else set.remove(from, to);
      for (let n = from; n < to; n++) isAdd ? model.add(n) : model.delete(n);
      expect(set.size).toBe(model.size);
      expect(set.isEmpty).toBe(model.size === 0);
      expect(set.first).toEqual(rangesOf(model)[0]);
    }
    expect(drain(set)).toEqual(rangesOf(model));
  });
});
