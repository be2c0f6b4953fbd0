import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import {
  type FlashGeometry,
  flashMap,
  geometryFault,
  regionAt,
  SLOT_SIZE_MAX,
} from "../../src/flash/geometry.ts";
import { SECTOR_SIZE_MAX, SECTOR_SIZE_MIN } from "../../src/flash/sectors.ts";
import { STM32F4 } from "../support/stm32f4.ts";

const geometries = fc.record({
  sectorSize: fc.integer({ min: 10, max: 20 }).map((bits) => 2 ** bits),
  slotSize: fc.integer({ min: 1, max: 5_000_000 }),
  layout: fc.constantFrom("single" as const, "ab" as const),
});

describe("flashMap", () => {
  it("lays out 4 KiB sectors and one slot as documented", () => {
    const { sectors, ...map } = flashMap({ sectorSize: 4096, slotSize: 10_000, layout: "single" });
    expect(sectors.runs).toEqual([{ count: 11, size: 4096 }]);
    expect(map).toEqual({
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
      journalSize: 4096,
      areaCount: 2,
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

const KIB = 1024;

describe("the map of a flash with unequal sectors", () => {
  it("gives an STM32F4 recovery and record in its small sectors, and all others as its slot", () => {
    const map = flashMap(STM32F4);
    expect(map.sectors.runs).toEqual(STM32F4.sectors);
    expect(map).toMatchObject({
      size: 1024 * KIB,
      recovery: { offset: 0, size: 32 * KIB },
      record: [
        { offset: 32 * KIB, size: 16 * KIB },
        { offset: 48 * KIB, size: 16 * KIB },
      ],
      journalSize: 14 * KIB,
      areaCount: 2,
      manifests: [],
      slots: [{ offset: 64 * KIB, size: 960 * KIB }],
    });
    expect(regionAt(map, 63 * KIB)).toEqual({ name: "record", index: 1 });
  });

  it("ends with the last slot, and leaves what is behind it alone", () => {
    const map = flashMap({ ...STM32F4, slotSize: 100 * KIB });
    expect(map.size).toBe(256 * KIB);
    expect(map.sectors.runs).toEqual([
      { count: 4, size: 16 * KIB },
      { count: 1, size: 64 * KIB },
      { count: 1, size: 128 * KIB },
    ]);
  });

  it("uses of two unequal sectors of the record as much as the smaller one has", () => {
    const map = flashMap({ ...STM32F4, recoverySize: 48 * KIB, slotSize: 1 });
    expect(map.record.map(({ size }) => size / KIB)).toEqual([16, 64]);
    expect(map.journalSize).toBe(14 * KIB);
  });

  it("is that of alike sectors, when all in the list are alike", () => {
    fc.assert(
      fc.property(geometries, fc.constantFrom("own" as const, "record" as const), (geometry, manifests) => {
        const { sectorSize, ...others } = geometry;
        const given = { ...others, manifests };
        fc.pre(geometryFault({ ...given, sectorSize }) === undefined);
        const map = flashMap({ ...given, sectorSize });
        const listed = flashMap({ ...given, sectors: [{ count: map.sectors.count, size: sectorSize }] });
        expect(listed).toEqual(map);
        const short = [{ count: map.sectors.count - 1, size: sectorSize }];
        expect(geometryFault({ ...given, sectors: short })).toMatch(
          /in all: the flash map needs \d+ or more/,
        );
      }),
    );
  });

  it.each<[string, Partial<FlashGeometry>, RegExp]>([
    ["no sectors at all", { sectors: undefined }, /either the size of all, or a list/],
    ["sectors given twice", { sectorSize: 4096 }, /either the size of all, or a list/],
    [
      "a list that is too short",
      { slotSize: 960 * KIB + 1 },
      /1048576 bytes in all: .* needs 1048577 or more; list more/,
    ],
    ["a second slot without sectors", { layout: "ab" }, /1048576 bytes in all: .* needs/],
    ["sectors that end within the record", { recoverySize: 900 * KIB }, /1048576 bytes in all/],
    ["no recovery image", { recoverySize: 0 }, /recovery size 0: must be 1 to/],
    ["part of a byte of recovery image", { recoverySize: 1.5 }, /recovery size 1.5/],
    ["an odd sector", { sectors: [{ count: 99, size: 5000 }] }, /sector size 5000/],
  ])("is refused with %s", (_what, more, reason) => {
    expect(geometryFault({ ...STM32F4, ...more })).toMatch(reason);
  });

  it.each([
    ["single", 1, 4096],
    ["single", 64, 4096],
    ["single", 128, 8192],
    ["single", 256, 16_384],
    ["ab", 32, 4096],
    ["ab", 64, 8192],
    ["ab", 128, 8192],
    ["ab", 256, 16_384],
  ] as const)(
    "needs in %s with write units of %d bytes a record sector of %d for manifests too",
    (layout, writeSize, least) => {
      const geometry = { slotSize: 1, layout, writeSize, manifests: "record" } as const;
      expect(geometryFault({ ...geometry, sectorSize: least })).toBeUndefined();
      expect(geometryFault({ ...geometry, sectorSize: least / 2 })).toMatch(/the boot record with manifests/);
    },
  );
});
