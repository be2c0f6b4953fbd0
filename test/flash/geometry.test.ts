import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import {
  flashMap,
  geometryFault,
  regionAt,
  SECTOR_SIZE_MAX,
  SECTOR_SIZE_MIN,
  SLOT_SIZE_MAX,
} from "../../src/flash/geometry.ts";

const geometries = fc.record({
  sectorSize: fc.integer({ min: 10, max: 20 }).map((bits) => 2 ** bits),
  slotSize: fc.integer({ min: 1, max: 5_000_000 }),
  layout: fc.constantFrom("single" as const, "ab" as const),
});

describe("flashMap", () => {
  it("lays out 4 KiB sectors and one slot as documented", () => {
    expect(flashMap({ sectorSize: 4096, slotSize: 10_000, layout: "single" })).toEqual({
      sectorSize: 4096,
      slotSize: 10_000,
      layout: "single",
      writeSize: 16,
      erasedByte: 0xff,
      size: 16_384 + 2 * 4096 + 2 * 4096 + 12_288,
      recovery: { offset: 0, size: 16_384 },
      record: [
        { offset: 16_384, size: 4096 },
        { offset: 20_480, size: 4096 },
      ],
      manifests: [
        { offset: 24_576, size: 4096 },
        { offset: 28_672, size: 4096 },
      ],
      slots: [{ offset: 32_768, size: 12_288 }],
    });
  });

  it("gives ab a second slot and a third manifest area", () => {
    const map = flashMap({ sectorSize: 65_536, slotSize: 1, layout: "ab" });
    expect(map.slots).toHaveLength(2);
    expect(map.manifests).toHaveLength(3);
    expect(map.recovery.size).toBe(65_536);
  });

  it("covers the flash with regions on sector boundaries, none overlapping", () => {
    fc.assert(
      fc.property(geometries, (geometry) => {
        const map = flashMap(geometry);
        const regions = [map.recovery, ...map.record, ...map.manifests, ...map.slots];
        let end = 0;
        for (const region of regions) {
          expect(region.offset).toBe(end);
          expect(region.size % geometry.sectorSize).toBe(0);
          end += region.size;
        }
        expect(end).toBe(map.size);
        expect(map.slots[0]?.size).toBeGreaterThanOrEqual(geometry.slotSize);
        expect(map.slots[0]?.size).toBeLessThan(geometry.slotSize + geometry.sectorSize);
      }),
    );
  });

  it("finds the region of first and last bytes, and none outside", () => {
    const map = flashMap({ sectorSize: 1024, slotSize: 2000, layout: "ab" });
    expect(regionAt(map, 0)).toEqual({ name: "recovery", index: 0 });
    expect(regionAt(map, 16_383)).toEqual({ name: "recovery", index: 0 });
    expect(regionAt(map, map.record[0].offset)).toEqual({ name: "record", index: 0 });
    expect(regionAt(map, map.manifests[0]?.offset ?? -1)).toEqual({ name: "manifest", index: 0 });
    expect(regionAt(map, map.slots[0]?.offset ?? -1)).toEqual({ name: "slot", index: 0 });
    expect(regionAt(map, map.record[1].offset)).toEqual({ name: "record", index: 1 });
    expect(regionAt(map, map.manifests[2]?.offset ?? -1)).toEqual({ name: "manifest", index: 2 });
    expect(regionAt(map, map.size - 1)).toEqual({ name: "slot", index: 1 });
    expect(regionAt(map, map.size)).toBeUndefined();
    expect(regionAt(map, -1)).toBeUndefined();
  });

  it.each([
    [0, 1],
    [512, 1],
    [4097, 1],
    [6144, 1],
    [2 * SECTOR_SIZE_MAX, 1],
    [Number.NaN, 1],
    [4096, 0],
    [4096, 1.5],
    [4096, SLOT_SIZE_MAX + 1],
  ])("refuses sectors of %d with a slot of %d", (sectorSize, slotSize) => {
    expect(geometryFault({ sectorSize, slotSize, layout: "single" })).toBeTypeOf("string");
  });

  it.each([
    [1024, 0],
    [1024, 24],
    [1024, 64],
    [4096, 256],
    [1_048_576, 512],
  ])("refuses sectors of %d with write units of %d", (sectorSize, writeSize) => {
    expect(geometryFault({ sectorSize, slotSize: 1, layout: "ab", writeSize })).toBeTypeOf("string");
  });

  it.each([
    [1024, 1],
    [1024, 32],
    [2048, 64],
    [8192, 256],
  ])("accepts sectors of %d with write units of %d", (sectorSize, writeSize) => {
    expect(geometryFault({ sectorSize, slotSize: 1, layout: "ab", writeSize })).toBeUndefined();
  });

  it.each([
    [SECTOR_SIZE_MIN, 1],
    [SECTOR_SIZE_MAX, SLOT_SIZE_MAX],
  ])("accepts sectors of %d with a slot of %d", (sectorSize, slotSize) => {
    expect(geometryFault({ sectorSize, slotSize, layout: "ab" })).toBeUndefined();
  });

  it("asserts that the geometry is possible", () => {
    expect(() => flashMap({ sectorSize: 1000, slotSize: 1, layout: "ab" })).toThrow(AssertionError);
  });
});
