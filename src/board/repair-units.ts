import type { FlashMap, Region } from "../flash/geometry.ts";
import type { SectorRange } from "../flash/record/sector-ranges.ts";
import type { Manifest } from "../image/manifest.ts";

/**
 * How an image's blocks lie on sectors. A repair unit, which is erased and written as a whole, reaches from one place of
 * the slot where both a sector and a block begin to the next such place (PROTOCOL.md 13.5). Where all sectors are alike
 * that is the larger of sector and block. Units and blocks are counted from the start of the slot.
 */
export class RepairUnits {
  readonly unitCount: number;
  readonly #map: FlashMap;
  readonly #slot: Region;
  readonly #manifest: Pick<Manifest, "size" | "blockSize" | "leafCount">;
  /** First block of each unit, and the first block behind the last unit. */
  readonly #firstBlocks: readonly number[];

  constructor(map: FlashMap, slot: Region, manifest: Pick<Manifest, "size" | "blockSize" | "leafCount">) {
    this.#map = map;
    this.#slot = slot;
    this.#manifest = manifest;
    this.#firstBlocks = firstBlocks(map, slot, manifest);
    this.unitCount = this.#firstBlocks.length - 1;
  }

  /** The unit of a block. */
  unitOf(block: number): number {
    let low = 0;
    let high = this.unitCount;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#firstBlock(middle) <= block) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The blocks of a unit: the first, and one past the last. */
  blocks(unit: number): { first: number; end: number } {
    return {
      first: this.#firstBlock(unit),
      end: Math.min(this.#firstBlock(unit + 1), this.#manifest.leafCount),
    };
  }

  /** Whether a unit has room for one block only. */
  isSingleBlock(unit: number): boolean {
    return this.#firstBlock(unit + 1) - this.#firstBlock(unit) === 1;
  }

  /** The sectors of a unit that the image reaches into. Those after its end are not changed. */
  sectors(unit: number): SectorRange {
    const { size, blockSize } = this.#manifest;
    const start = this.#firstBlock(unit) * blockSize;
    const end = Math.min(this.#firstBlock(unit + 1) * blockSize, size);
    return this.#map.sectors.range(this.#slot.offset + start, end - start);
  }

  /** The bytes of those sectors. */
  extent(unit: number): Region {
    const { first, last } = this.sectors(unit);
    const { offset } = this.#map.sectors.region(first);
    const end = this.#map.sectors.region(last);
    return { offset, size: end.offset + end.size - offset };
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

  #firstBlock(unit: number): number {
    return this.#firstBlocks[unit] ?? 0;
  }
}

/** The blocks that begin where a sector does, as far as the image reaches, and the end of its last unit. */
function firstBlocks(
  { sectors }: FlashMap,
  slot: Region,
  { size, blockSize }: Pick<Manifest, "size" | "blockSize">,
): number[] {
  const blocks = [0];
  const { first, last } = sectors.range(slot.offset, slot.size);
  for (let sector = first; sector <= last; sector++) {
    const { offset, size: length } = sectors.region(sector);
    const end = offset + length - slot.offset;
    if (end % blockSize !== 0) continue;
    blocks.push(end / blockSize);
    if (end >= size) return blocks;
  }
  // The slot ends within the last block.
  blocks.push(Math.ceil(slot.size / blockSize));
  return blocks;
}
