import type { FlashMap, Region } from "../flash/geometry.ts";
import type { SectorRange } from "../flash/record/sector-ranges.ts";
import type { Manifest } from "../image/manifest.ts";

/**
 * How an image's blocks lie on sectors. The repair unit, which is erased and written as a whole, is the larger of
 * block and sector (PROTOCOL.md 13.5); both are powers of two. Units and blocks are counted from the start of the
 * slot.
 */
export class RepairUnits {
  readonly unitSize: number;
  readonly blocksPerUnit: number;
  readonly unitCount: number;
  readonly #map: FlashMap;
  readonly #slot: Region;
  readonly #manifest: Pick<Manifest, "size" | "blockSize" | "leafCount">;

  constructor(map: FlashMap, slot: Region, manifest: Pick<Manifest, "size" | "blockSize" | "leafCount">) {
    this.#map = map;
    this.#slot = slot;
    this.#manifest = manifest;
    this.unitSize = Math.max(map.sectorSize, manifest.blockSize);
    this.blocksPerUnit = this.unitSize / manifest.blockSize;
    this.unitCount = Math.ceil(manifest.size / this.unitSize);
  }

  /** The unit of a block. */
  unitOf(block: number): number {
    return Math.floor(block / this.blocksPerUnit);
  }

  /** The blocks of a unit: the first, and one past the last. */
  blocks(unit: number): { first: number; end: number } {
    const first = unit * this.blocksPerUnit;
    return { first, end: Math.min(first + this.blocksPerUnit, this.#manifest.leafCount) };
  }

  /** The sectors of a unit that the image reaches into. Those after its end are not changed. */
  sectors(unit: number): SectorRange {
    const { sectorSize } = this.#map;
    const start = unit * this.unitSize;
    const size = Math.min(this.unitSize, this.#manifest.size - start);
    const first = (this.#slot.offset + start) / sectorSize;
    return { first, last: first + Math.ceil(size / sectorSize) - 1 };
  }

  /** The bytes of those sectors. */
  extent(unit: number): Region {
    const { first, last } = this.sectors(unit);
    return { offset: first * this.#map.sectorSize, size: (last - first + 1) * this.#map.sectorSize };
  }

  /** All sectors that the image reaches into. */
  allSectors(): SectorRange {
    return { first: this.sectors(0).first, last: this.sectors(this.unitCount - 1).last };
  }

  /** The bytes of a block. */
  block(index: number): Region {
    const { size, blockSize } = this.#manifest;
    const start = index * blockSize;
    return { offset: this.#slot.offset + start, size: Math.min(blockSize, size - start) };
  }

  /** The bytes from the end of the image to the end of its last sector; the size may be 0. */
  tail(): Region {
    const { offset, size } = this.extent(this.unitCount - 1);
    const end = this.#slot.offset + this.#manifest.size;
    return { offset: end, size: offset + size - end };
  }
}
