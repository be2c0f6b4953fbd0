import type { FlashGeometry, FlashLayout } from "../../flash/geometry.ts";

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
  readonly layout: FlashLayout;
  readonly sectorSize: number;
  readonly blockSize: number;
  readonly slotSize: number;
  readonly writeSizes: readonly number[];
}

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
];

/** Every shape with each of its write sizes and both erased values. */
export const TORTURE_CASES: readonly TortureCase[] = SHAPES.flatMap((shape) =>
  shape.writeSizes.flatMap((writeSize) =>
    ([0xff, 0x00] as const).map((erasedByte) => {
      const { layout, sectorSize, slotSize, blockSize } = shape;
      const erased = erasedByte === 0xff ? "ff" : "00";
      return {
        name: `${layout}-${shape.name}/w${writeSize}/${erased}`,
        geometry: { layout, sectorSize, slotSize, writeSize, erasedByte },
        blockSize,
      };
    }),
  ),
);

/** Small enough for a second cut at every operation of what follows every first. */
export const SMALL_CASES: readonly TortureCase[] = (["single", "ab"] as const).map((layout) => ({
  name: `small-${layout}`,
  geometry: { layout, sectorSize: 1024, slotSize: 2500, writeSize: 16, erasedByte: 0xff },
  blockSize: 1024,
}));

/** The case of that name, or undefined. */
export function tortureCase(name: string): TortureCase | undefined {
  return [...TORTURE_CASES, ...SMALL_CASES].find((known) => known.name === name);
}

function shape(
  layout: FlashLayout,
  name: string,
  sectorSize: number,
  blockSize: number,
  slotSize: number,
  writeSizes: readonly [number, number, number],
): Shape {
  return { layout, name, sectorSize, blockSize, slotSize, writeSizes };
}
