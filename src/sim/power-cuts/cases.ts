import type { FlashGeometry, FlashLayout } from "../../flash/geometry.ts";
import type { SectorRun } from "../../flash/sectors.ts";

/** A flash, and the blocks of the images that go into it. */
export interface TortureCase {
  /** Such as "ab-4k-b1k/w16/ff". */
  readonly name: string;
  readonly geometry: FlashGeometry;
  /** Bytes of a block. */
  readonly blockSize: number;
}

interface Shape {
  readonly name: string;
  readonly geometry: FlashGeometry;
  readonly blockSize: number;
  readonly writeSizes: readonly number[];
}

const KIB = 1024;
/** The sectors of an STM32F4 of 1 MiB. */
const F4 = [run(4, 16 * KIB), run(1, 64 * KIB), run(7, 128 * KIB)];
/** The same in a quarter of the size. */
const QUARTER_F4 = [run(4, 4 * KIB), run(1, 16 * KIB), run(7, 32 * KIB)];
/** As small as a record with manifests can be, and units of one, two and two blocks. */
const SMALL_LIST = [run(4, 4 * KIB), run(1, KIB), run(2, 2 * KIB)];

/** Sector and block alike, sectors of several blocks, blocks of several sectors, slots that end within a sector. */
const SHAPES: readonly Shape[] = [
  shape("single", "1k", 1024, 1024, 30_720, [1, 8, 32]),
  shape("ab", "1k", 1024, 1024, 25_000, [1, 8, 32]),
  shape("single", "1k-b4k", 1024, 4096, 45_000, [4, 16, 32]),
  shape("ab", "1k-b2k", 1024, 2048, 32_768, [1, 16, 32]),
  shape("single", "2k-b1k", 2048, 1024, 40_000, [8, 32, 64]),
  shape("ab", "2k-b1k", 2048, 1024, 42_000, [2, 16, 32]),
  shape("single", "2k", 2048, 2048, 55_000, [4, 16, 64]),
  shape("ab", "2k", 2048, 2048, 45_000, [1, 8, 64]),
  shape("single", "4k", 4096, 4096, 90_112, [1, 16, 128]),
  shape("single", "4k-b2k", 4096, 2048, 65_536, [1, 32, 64]),
  shape("ab", "4k-b1k", 4096, 1024, 48_000, [4, 16, 128]),
  shape("single", "8k-b2k", 8192, 2048, 70_000, [1, 64, 256]),
  shape("ab", "8k-b16k", 8192, 16_384, 180_000, [8, 32, 256]),
  // Unequal and large sectors, with manifests in those of the record.
  record("single", "f4-b32k", { sectors: F4, recoverySize: 32 * KIB }, 32_768, 300_000, [1, 4, 8]),
  record("single", "f4q-b4k", { sectors: QUARTER_F4, recoverySize: 8 * KIB }, 4096, 70_000, [1, 4, 16]),
  record("single", "256k-b32k", { sectorSize: 256 * KIB }, 32_768, 230_000, [1, 16, 256]),
  record("ab", "256k-b64k", { sectorSize: 256 * KIB }, 65_536, 400_000, [8, 16, 256]),
];

/** Every shape with each of its write sizes and both erased values. */
export const TORTURE_CASES: readonly TortureCase[] = SHAPES.flatMap((shape) =>
  shape.writeSizes.flatMap((writeSize) =>
    ([0xff, 0x00] as const).map((erasedByte) => {
      const erased = erasedByte === 0xff ? "ff" : "00";
      return {
        name: `${shape.geometry.layout}-${shape.name}/w${writeSize}/${erased}`,
        geometry: { ...shape.geometry, writeSize, erasedByte },
        blockSize: shape.blockSize,
      };
    }),
  ),
);

/** Small enough for a second cut at every operation of what follows every first. */
export const SMALL_CASES: readonly TortureCase[] = [
  small("small-single", { layout: "single", sectorSize: KIB, slotSize: 2500 }),
  small("small-ab", { layout: "ab", sectorSize: KIB, slotSize: 2500 }),
  small("small-list", {
    layout: "single",
    sectors: SMALL_LIST,
    recoverySize: 8 * KIB,
    slotSize: 4500,
    manifests: "record",
  }),
  small("small-ab-record", { layout: "ab", sectorSize: 4 * KIB, slotSize: 2500, manifests: "record" }),
];

/** The case of that name, or undefined. */
export function tortureCase(name: string): TortureCase | undefined {
  return [...TORTURE_CASES, ...SMALL_CASES].find((known) => known.name === name);
}

function run(count: number, size: number): SectorRun {
  return { count, size };
}

function small(name: string, geometry: FlashGeometry): TortureCase {
  return { name, geometry: { ...geometry, writeSize: 16, erasedByte: 0xff }, blockSize: 1024 };
}

function shape(
  layout: FlashLayout,
  name: string,
  sectorSize: number,
  blockSize: number,
  slotSize: number,
  writeSizes: readonly [number, number, number],
): Shape {
  return { name, geometry: { layout, sectorSize, slotSize }, blockSize, writeSizes };
}

/** A shape with manifests in the sectors of the record. */
function record(
  layout: FlashLayout,
  name: string,
  sectors: Pick<FlashGeometry, "sectors" | "sectorSize" | "recoverySize">,
  blockSize: number,
  slotSize: number,
  writeSizes: readonly [number, number, number],
): Shape {
  return { name, geometry: { layout, slotSize, manifests: "record", ...sectors }, blockSize, writeSizes };
}
