import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RepairUnits } from "../../src/board/repair-units.ts";
import { type FlashMap, flashMap, type Region } from "../../src/flash/geometry.ts";
import { STM32F4 } from "../support/stm32f4.ts";

const KIB = 1024;

function unitsOf(map: FlashMap, size: number, blockSize: number, slot = 0): RepairUnits {
  const region = map.slots[slot];
  if (region === undefined) throw new Error(`no slot ${slot}`);
  return new RepairUnits(map, region, { size, blockSize, leafCount: Math.ceil(size / blockSize) });
}

const ranges = (units: RepairUnits): { blocks: object; sectors: object }[] =>
  Array.from({ length: units.unitCount }, (_, unit) => ({
    blocks: units.blocks(unit),
    sectors: units.sectors(unit),
  }));

describe("the repair units of an image", () => {
  const f4 = flashMap(STM32F4);

  it("are one sector each on an STM32F4, of 64 and of 128 KiB", () => {
    expect(ranges(unitsOf(f4, 200 * KIB, 16 * KIB))).toEqual([
      { blocks: { first: 0, end: 4 }, sectors: { first: 4, last: 4 } },
      { blocks: { first: 4, end: 12 }, sectors: { first: 5, last: 5 } },
      { blocks: { first: 12, end: 13 }, sectors: { first: 6, last: 6 } },
    ]);
  });

  it("are as long as a block needs where it is longer than a sector", () => {
    const map = flashMap({
      sectors: [
        { count: 8, size: 4 * KIB },
        { count: 4, size: 16 * KIB },
      ],
      slotSize: 70 * KIB,
      layout: "single",
      recoverySize: 4 * KIB,
      manifests: "record",
    });
    // The slot begins with five sectors of 4 KiB: blocks of 16 KiB begin with a sector at 0, 16, and never again.
    const units = unitsOf(map, 70 * KIB, 16 * KIB);
    expect(ranges(units)).toEqual([
      { blocks: { first: 0, end: 1 }, sectors: { first: 3, last: 6 } },
      { blocks: { first: 1, end: 5 }, sectors: { first: 7, last: 11 } },
    ]);
    expect(units.isSingleBlock(0)).toBe(true);
    expect(units.isSingleBlock(1)).toBe(false);
  });

  const sizes = fc.integer({ min: 10, max: 14 }).map((bits) => 2 ** bits);
  const flashes = fc.record({
    runs: fc.array(fc.record({ count: fc.integer({ min: 1, max: 6 }), size: sizes }), {
      minLength: 1,
      maxLength: 4,
    }),
    slotSize: fc.integer({ min: 1, max: 90_000 }),
    layout: fc.constantFrom("single" as const, "ab" as const),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    blockSize: sizes,
    slot: fc.nat(1),
  });

  it("follow one another without a gap, begin with a sector and a block, and hold each block once", () => {
    fc.assert(
      fc.property(flashes, ({ runs, slotSize, layout, share, blockSize, slot }) => {
        const sectors = [...runs, { count: 1000, size: 1024 }];
        const map = flashMap({ sectors, slotSize, layout });
        const size = Math.ceil(slotSize * share);
        const index = layout === "ab" ? slot : 0;
        const units = unitsOf(map, size, blockSize, index);
        const { offset } = map.slots[index] as Region;
        let sector = map.sectors.at(offset);
        let block = 0;
        for (let unit = 0; unit < units.unitCount; unit++) {
          const { first, end } = units.blocks(unit);
          expect(first).toBe(block);
          expect(units.sectors(unit).first).toBe(sector);
          expect(map.sectors.region(sector).offset).toBe(offset + first * blockSize);
          for (let i = first; i < end; i++) expect(units.unitOf(i)).toBe(unit);
          block = end;
          sector = units.sectors(unit).last + 1;
          if (unit > 0)
            expect(units.extent(unit - 1).offset + units.extent(unit - 1).size).toBe(
              units.extent(unit).offset,
            );
        }
        expect(block).toBe(Math.ceil(size / blockSize));
        expect(units.allSectors()).toEqual(map.sectors.range(offset, size));
        expect(units.tail().offset).toBe(offset + size);
      }),
    );
  });

  it("are the larger of sector and block where all sectors are alike", () => {
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 90_000 }), (sectorSize, blockSize, slotSize) => {
        const units = unitsOf(flashMap({ sectorSize, slotSize, layout: "single" }), slotSize, blockSize);
        const unitSize = Math.max(sectorSize, blockSize);
        expect(units.unitCount).toBe(Math.ceil(slotSize / unitSize));
        for (let unit = 0; unit < units.unitCount; unit++) {
          expect(units.blocks(unit).first).toBe((unit * unitSize) / blockSize);
          expect(units.isSingleBlock(unit)).toBe(unitSize === blockSize);
        }
      }),
    );
  });
});
