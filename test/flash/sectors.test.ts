import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import {
  SECTOR_COUNT_MAX,
  SECTOR_RUNS_MAX,
  SECTOR_SIZE_MAX,
  SectorTable,
  sectorRunsFault,
} from "../../src/flash/sectors.ts";

const KIB = 1024;
/** An STM32F4 of 1 MiB. */
const F4 = [
  { count: 4, size: 16 * KIB },
  { count: 1, size: 64 * KIB },
  { count: 7, size: 128 * KIB },
];

const lists = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 9 }),
    size: fc.integer({ min: 10, max: 14 }).map((n) => 2 ** n),
  }),
  { minLength: 1, maxLength: 5 },
);

describe("a table of sectors", () => {
  const table = new SectorTable(F4);

  it("counts the sectors of an STM32F4 and their bytes", () => {
    expect(table.count).toBe(12);
    expect(table.size).toBe(1024 * KIB);
    expect(table.largest).toBe(128 * KIB);
  });

  it.each([
    [0, 0, 16],
    [3, 48, 16],
    [4, 64, 64],
    [5, 128, 128],
    [11, 896, 128],
  ])("puts sector %d of an STM32F4 at %d KiB, with %d KiB", (sector, offset, size) => {
    expect(table.region(sector)).toEqual({ offset: offset * KIB, size: size * KIB });
    expect(table.at(offset * KIB)).toBe(sector);
    expect(table.at((offset + size) * KIB - 1)).toBe(sector);
  });

  it("finds the next start of a sector, which may be the end of the flash", () => {
    expect(table.roundUp(0)).toBe(0);
    expect(table.roundUp(64 * KIB + 1)).toBe(128 * KIB);
    expect(table.roundUp(900 * KIB)).toBe(1024 * KIB);
    expect(table.roundUp(1024 * KIB)).toBe(1024 * KIB);
  });

  it("has no sector, and no byte, outside the flash", () => {
    expect(() => table.region(12)).toThrow(AssertionError);
    expect(() => table.region(-1)).toThrow(AssertionError);
    expect(() => table.at(1024 * KIB)).toThrow(AssertionError);
    expect(() => table.at(-1)).toThrow(AssertionError);
    expect(() => table.upTo(1000)).toThrow(AssertionError);
  });

  it("covers each byte with one sector, in order", () => {
    fc.assert(
      fc.property(lists, (runs) => {
        const made = new SectorTable(runs);
        let end = 0;
        for (let sector = 0; sector < made.count; sector++) {
          const { offset, size } = made.region(sector);
          expect(offset).toBe(end);
          expect(made.range(offset, size)).toEqual({ first: sector, last: sector });
          expect(made.roundUp(offset + 1)).toBe(offset + size);
          end += size;
          expect(made.upTo(end)).toMatchObject({ count: sector + 1, size: end });
        }
        expect(made.size).toBe(end);
      }),
    );
  });
});

describe("a list of sectors", () => {
  it.each([
    ["none", []],
    ["too many runs", Array.from({ length: SECTOR_RUNS_MAX + 1 }, () => ({ count: 1, size: 1024 }))],
    ["a run of none", [{ count: 0, size: 1024 }]],
    ["a run of part of a sector", [{ count: 1.5, size: 1024 }]],
    ["a run of too many", [{ count: SECTOR_COUNT_MAX + 1, size: 1024 }]],
    ["small sectors", [{ count: 1, size: 512 }]],
    ["large sectors", [{ count: 1, size: 2 * SECTOR_SIZE_MAX }]],
    ["odd sectors", [...F4, { count: 1, size: 3000 }]],
  ])("is refused when it has %s", (_what, runs) => {
    expect(sectorRunsFault(runs)).toMatch(/must be/);
  });

  it("is accepted when it is that of an STM32F4", () => {
    expect(sectorRunsFault(F4)).toBeUndefined();
  });
});
