import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HAD_RANGES_MAX, HadBlocks } from "../../../src/session/target/had-blocks.ts";

describe("the blocks that a rescuer says it has", () => {
  it("are those of all ranges, in whatever order they came", () => {
    const range = fc.record({ first: fc.nat({ max: 60 }), count: fc.nat({ max: 12 }) });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), range, (ranges, asked) => {
        const had = new HadBlocks();
        const all = new Set<number>();
        for (const { first, count } of ranges) {
          had.add({ first, count });
          for (let block = first; block < first + count; block++) all.add(block);
        }
        expect(had.isEmpty).toBe(all.size === 0);
        for (let block = 0; block < 75; block++)
          expect(had.has(block), `block ${block}`).toBe(all.has(block));
        const isAny = Array.from({ length: asked.count }, (_, i) => asked.first + i).some((b) => all.has(b));
        expect(had.hasAnyOf(asked)).toBe(isAny);
      }),
    );
  });

  it(`are kept in ${HAD_RANGES_MAX} ranges; what does not fit is not, and what closes a gap is`, () => {
    const had = new HadBlocks();
    for (let i = 0; i <= HAD_RANGES_MAX; i++) had.add({ first: 2 * i, count: 1 });
    expect([had.has(2 * HAD_RANGES_MAX - 2), had.has(2 * HAD_RANGES_MAX)]).toEqual([true, false]);
    had.add({ first: 1, count: 1 });
    expect(had.has(1)).toBe(true);
    had.add({ first: 2 * HAD_RANGES_MAX, count: 1 });
    expect(had.has(2 * HAD_RANGES_MAX)).toBe(true);
  });

  it("may be all that a frame can name", () => {
    const had = new HadBlocks();
    had.add({ first: 0xffffff, count: 0xffffff });
    had.add({ first: 0, count: 0xffffff });
    expect([had.has(0), had.has(0xffffff), had.has(0x1fffffe)]).toEqual([true, true, false]);
  });
});
