import { assert } from "../base/assert.ts";

/** Smallest sector, in bytes: a snapshot of the boot record must fit in one (PROTOCOL.md 13.2.4). */
export const SECTOR_SIZE_MIN = 1024;
/** Largest sector, in bytes. */
export const SECTOR_SIZE_MAX = 1_048_576;
/** Most runs in a list of sectors. */
export const SECTOR_RUNS_MAX = 16;
/** Most sectors in a run. */
export const SECTOR_COUNT_MAX = 1_048_576;

/** Sectors of one size that follow one another. */
export interface SectorRun {
  /** 1 to {@link SECTOR_COUNT_MAX}. */
  readonly count: number;
  /** Bytes of each: a power of two, {@link SECTOR_SIZE_MIN} to {@link SECTOR_SIZE_MAX}. */
  readonly size: number;
}

/** A run, with the place of its first sector. */
interface PlacedRun extends SectorRun {
  /** Sectors before it. */
  readonly first: number;
  /** Bytes before it. */
  readonly start: number;
}

/**
 * The sectors of a flash, which may differ in size (PROTOCOL.md 13.1). Sectors are counted from the flash's start.
 * Offsets are in bytes from there.
 */
export class SectorTable {
  /** Sectors in all. */
  readonly count: number;
  /** Bytes in all. */
  readonly size: number;
  readonly runs: readonly SectorRun[];
  readonly #placed: readonly PlacedRun[];

  /** The runs must keep their limits. */
  constructor(runs: readonly SectorRun[]) {
    let count = 0;
    let size = 0;
    this.#placed = runs.map((run) => {
      const placed = { ...run, first: count, start: size };
      count += run.count;
      size += run.count * run.size;
      return placed;
    });
    this.runs = runs.map(({ count: sectors, size: bytes }) => ({ count: sectors, size: bytes }));
    this.count = count;
    this.size = size;
  }

  /** Bytes of the largest sector. */
  get largest(): number {
    return Math.max(...this.runs.map(({ size }) => size));
  }

  /** The bytes of a sector. AssertionError when there is no such sector. */
  region(sector: number): { readonly offset: number; readonly size: number } {
    const run = this.#placed.findLast(({ first }) => first <= sector);
    assert(run !== undefined && sector < run.first + run.count, `the flash has a sector ${sector}`);
    return { offset: run.start + (sector - run.first) * run.size, size: run.size };
  }

  /** The sector that a byte lies in. AssertionError outside the flash. */
  at(offset: number): number {
    const run = this.#placed.findLast(({ start }) => start <= offset);
    assert(run !== undefined && offset < this.size, `the flash has a byte ${offset}`);
    return run.first + Math.floor((offset - run.start) / run.size);
  }

  /** The first start of a sector, or end of the flash, at `offset` or behind it. AssertionError outside the flash. */
  roundUp(offset: number): number {
    if (offset === this.size) return offset;
    const { offset: start, size } = this.region(this.at(offset));
    return start === offset ? offset : start + size;
  }

  /** Sectors that the bytes from `offset` on lie in; at least one byte. AssertionError outside the flash. */
  range(offset: number, size: number): { readonly first: number; readonly last: number } {
    return { first: this.at(offset), last: this.at(offset + size - 1) };
  }

  /** The sectors up to `size`, which must be the end of one. */
  upTo(size: number): SectorTable {
    assert(this.roundUp(size) === size, `a sector ends at ${size}`);
    const runs = this.#placed.filter(({ start }) => start < size);
    return new SectorTable(
      runs.map((run) => ({ count: Math.min(run.count, (size - run.start) / run.size), size: run.size })),
    );
  }
}

/** Why such runs are not possible, for the caller's error message; undefined when they are. */
export function sectorRunsFault(runs: readonly SectorRun[]): string | undefined {
  if (runs.length === 0 || runs.length > SECTOR_RUNS_MAX) {
    return `${runs.length} runs of sectors: must be 1 to ${SECTOR_RUNS_MAX}`;
  }
  for (const { count, size } of runs) {
    const fault = sectorSizeFault(size);
    if (fault !== undefined) return fault;
    if (!Number.isInteger(count) || count < 1 || count > SECTOR_COUNT_MAX) {
      return `${count} sectors of ${size} bytes: must be 1 to ${SECTOR_COUNT_MAX}`;
    }
  }
  return undefined;
}

/** Why no sector has this size; undefined when one may. */
export function sectorSizeFault(size: number): string | undefined {
  if (isPowerOfTwo(size) && size >= SECTOR_SIZE_MIN && size <= SECTOR_SIZE_MAX) return undefined;
  return `sector size ${size}: must be a power of two from ${SECTOR_SIZE_MIN} to ${SECTOR_SIZE_MAX}`;
}

export function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(size) && size > 0 && 2 ** Math.round(Math.log2(size)) === size;
}
