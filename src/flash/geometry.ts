import { assert } from "../base/assert.ts";
import {
  isPowerOfTwo,
  SECTOR_COUNT_MAX,
  type SectorRun,
  SectorTable,
  sectorRunsFault,
  sectorSizeFault,
} from "./sectors.ts";

/** Bytes of the recovery image of a board that gives none; rounded up to whole sectors. */
export const RECOVERY_SIZE_DEFAULT = 16_384;
/** Sector size of a board that gives none, in bytes. */
export const SECTOR_SIZE_DEFAULT = 4096;
/** Largest slot, and largest recovery image: 1 GiB. */
export const SLOT_SIZE_MAX = 0x4000_0000;
/** Write unit of a board that gives none, in bytes: programming starts and ends at multiples of it. */
export const WRITE_SIZE_DEFAULT = 16;
/**
 * Largest write unit, in bytes: a page of serial NOR. Smaller than any block, so that every block starts at a unit.
 */
export const WRITE_SIZE_MAX = 256;
/** Fewest entries that a sector of the boot record has room for, each in whole write units. */
export const RECORD_ENTRIES_MIN = 32;
/** Bytes of an entry in the boot record. */
export const ENTRY_SIZE = 32;
/** Bytes that each manifest has in a sector of the boot record, where they lie there (PROTOCOL.md 13.3). */
export const MANIFEST_PLACE_SIZE = 1024;

/** Value of erased bytes: 0xFF in most flash; 0x00 in flash whose programming turns bits from 0 to 1. */
export type ErasedByte = 0xff | 0x00;

/** `single`: one slot, written in place. `ab`: two slots, of which the one that boots is never written. */
export type FlashLayout = "single" | "ab";

/**
 * Where manifests lie (PROTOCOL.md 13.3). `own`: each in a sector of its own. `record`: at the end of the boot record's
 * two sectors, which wastes no large sectors.
 */
export type ManifestPlacement = "own" | "record";

/** The geometry of a board's flash (PROTOCOL.md 13.1). It has either `sectorSize` or `sectors`. */
export interface FlashGeometry {
  /** Bytes erased at once, where all sectors are alike: a power of two, 1024 to 1,048,576. */
  readonly sectorSize?: number | undefined;
  /** The sectors from the flash's start. They must reach as far as the regions do; what is behind is left alone. */
  readonly sectors?: readonly SectorRun[] | undefined;
  /** Bytes of the largest image, 1 to {@link SLOT_SIZE_MAX}; need not be whole sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
  /**
   * Bytes programmed at once: a power of two, 1 to {@link WRITE_SIZE_MAX}; {@link WRITE_SIZE_DEFAULT} unless given.
   */
  readonly writeSize?: number | undefined;
  /** 0xFF unless given. */
  readonly erasedByte?: ErasedByte | undefined;
  /** Bytes of the recovery image, 1 to {@link SLOT_SIZE_MAX}; {@link RECOVERY_SIZE_DEFAULT} unless given. */
  readonly recoverySize?: number | undefined;
  /** `own` unless given. */
  readonly manifests?: ManifestPlacement | undefined;
}

/** Bytes from `offset` up to, but without, `offset + size`. */
export interface Region {
  readonly offset: number;
  readonly size: number;
}

/** What programming a flash depends on. */
export interface FlashUnit {
  /** Bytes programmed at once. */
  readonly writeSize: number;
  readonly erasedByte: ErasedByte;
}

/** Where each region of a flash lies. Every region starts and ends at a sector boundary. */
export interface FlashMap extends FlashUnit {
  readonly sectors: SectorTable;
  /** Bytes of a slot that an image may use; the slot's region is this rounded up to sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
  /** Bytes in all. */
  readonly size: number;
  /** The recovery image: never erased, never programmed. */
  readonly recovery: Region;
  /** The two sectors of the boot record. */
  readonly record: readonly [Region, Region];
  /** Bytes from the start of each of these sectors that are the journal. */
  readonly journalSize: number;
  /** Manifest areas: one more than slots, so that a manifest that is received never replaces an installed one. */
  readonly areaCount: number;
  /** Their sectors; none where they lie in the boot record's (PROTOCOL.md 13.3). */
  readonly manifests: readonly Region[];
  readonly slots: readonly Region[];
}

/** The kind of region that an offset lies in. */
export type RegionName = "recovery" | "record" | "manifest" | "slot";

/** Why a geometry is not possible, for the caller's error message; undefined when it is. */
export function geometryFault(geometry: FlashGeometry): string | undefined {
  const map = layOut(geometry);
  return typeof map === "string" ? map : undefined;
}

/** Rounds `size` up to whole multiples of `unit`. */
export function roundUp(size: number, unit: number): number {
  return Math.ceil(size / unit) * unit;
}

/**
 * Lays out the regions, in the order recovery, boot record, manifests, slots. AssertionError for an impossible
 * geometry.
 */
export function flashMap(geometry: FlashGeometry): FlashMap {
  const map = layOut(geometry);
  assert(typeof map !== "string", typeof map === "string" ? map : "");
  return map;
}

/** The map, or why there is none. */
function layOut(geometry: FlashGeometry): FlashMap | string {
  const fault = sizesFault(geometry);
  if (fault !== undefined) return fault;
  const { slotSize, layout, writeSize = WRITE_SIZE_DEFAULT, erasedByte = 0xff } = geometry;
  const { sectorSize, sectors = [{ count: SECTOR_COUNT_MAX * 4, size: sectorSize ?? 0 }] } = geometry;
  const table = new SectorTable(sectors);
  let size = 0;
  const take = (bytes: number): Region => {
    const offset = size;
    // Behind the end of the list it counts on, to say how much is lacking.
    size = offset + bytes < table.size ? table.roundUp(offset + bytes) : offset + bytes;
    return { offset, size: size - offset };
  };
  const takeSector = (): Region =>
    take(size < table.size ? table.region(table.at(size)).size : table.largest);
  const slotCount = layout === "ab" ? 2 : 1;
  const areaCount = slotCount + 1;
  const isInRecord = geometry.manifests === "record";
  const recovery = take(geometry.recoverySize ?? RECOVERY_SIZE_DEFAULT);
  const record: [Region, Region] = [takeSector(), takeSector()];
  const manifests = Array.from({ length: isInRecord ? 0 : areaCount }, takeSector);
  const slots = Array.from({ length: slotCount }, () => take(slotSize));
  if (size > table.size) {
    const what = "the flash map needs";
    return `sectors of ${table.size} bytes in all: ${what} ${size} or more; list more, or take a smaller slot`;
  }
  const recordSize = Math.min(...record.map((sector) => sector.size));
  const journalSize = recordSize - (isInRecord ? areaCount * MANIFEST_PLACE_SIZE : 0);
  const least = recordSize - journalSize + RECORD_ENTRIES_MIN * roundUp(ENTRY_SIZE, writeSize);
  if (recordSize < least) {
    const what = isInRecord ? "the boot record with manifests" : "the boot record";
    const fix = isInRecord ? "; or give manifests sectors of their own" : "";
    return `sectors of ${recordSize} bytes for ${what}: write units of ${writeSize} need ${least} or more${fix}`;
  }
  const regions = { size, recovery, record, journalSize, areaCount, manifests, slots };
  return { sectors: table.upTo(size), slotSize, layout, writeSize, erasedByte, ...regions };
}

function sizesFault({ sectorSize, sectors, slotSize, ...geometry }: FlashGeometry): string | undefined {
  if ((sectorSize === undefined) === (sectors === undefined)) {
    return "sectors: either the size of all, or a list of runs, must be given";
  }
  const fault = sectors === undefined ? sectorSizeFault(sectorSize ?? 0) : sectorRunsFault(sectors);
  if (fault !== undefined) return fault;
  if (!isPlainSize(slotSize)) return `slot size ${slotSize}: must be 1 to ${SLOT_SIZE_MAX} bytes`;
  const { writeSize = WRITE_SIZE_DEFAULT, recoverySize = RECOVERY_SIZE_DEFAULT } = geometry;
  if (!isPlainSize(recoverySize)) return `recovery size ${recoverySize}: must be 1 to ${SLOT_SIZE_MAX} bytes`;
  if (!isPowerOfTwo(writeSize) || writeSize > WRITE_SIZE_MAX) {
    return `write size ${writeSize}: must be a power of two from 1 to ${WRITE_SIZE_MAX}`;
  }
  return undefined;
}

function isPlainSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= SLOT_SIZE_MAX;
}

/** Bytes of whole sectors that boot record and manifests take from images. */
export function recordCost(map: FlashMap): number {
  return [...map.record, ...map.manifests].reduce((sum, { size }) => sum + size, 0);
}

/** Whether `inner` lies wholly within `outer`. */
export function contains(outer: Region, inner: Region): boolean {
  return inner.offset >= outer.offset && inner.offset + inner.size <= outer.offset + outer.size;
}

/** Whether the two share a byte. */
export function overlaps(a: Region, b: Region): boolean {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/** The region that an offset lies in, with its number among its kind; undefined outside the flash. */
export function regionAt(map: FlashMap, offset: number): { name: RegionName; index: number } | undefined {
  const at = { offset, size: 1 };
  if (contains(map.recovery, at)) return { name: "recovery", index: 0 };
  const groups: [RegionName, readonly Region[]][] = [
    ["record", map.record],
    ["manifest", map.manifests],
    ["slot", map.slots],
  ];
  for (const [name, regions] of groups) {
    const index = regions.findIndex((region) => contains(region, at));
    if (index >= 0) return { name, index };
  }
  return undefined;
}

/** Whether every byte has the value of erased flash. */
export function isErased(unit: FlashUnit, bytes: Uint8Array): boolean {
  const { erasedByte } = unit;
  // Counted: each block of an image passes here, and an iterator takes several times as long.
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== erasedByte) return false;
  return true;
}

/** `size` bytes of erased flash. */
export function erasedBytes(unit: FlashUnit, size: number): Uint8Array {
  return new Uint8Array(size).fill(unit.erasedByte);
}

/** `bytes`, padded to whole write units with erased bytes, which program nothing. */
export function padToUnits(unit: FlashUnit, bytes: Uint8Array): Uint8Array {
  const padded = erasedBytes(unit, roundUp(bytes.length, unit.writeSize));
  padded.set(bytes);
  return padded;
}

/** Index of the first byte of `next` that cannot be programmed over `old` without an erase; -1 when there is none. */
export function firstUnprogrammable(unit: FlashUnit, old: Uint8Array, next: Uint8Array): number {
  const { erasedByte } = unit;
  for (let i = 0; i < next.length; i++) {
    const programmed = (old[i] ?? erasedByte) ^ erasedByte;
    if ((programmed & ~((next[i] ?? erasedByte) ^ erasedByte)) !== 0) return i;
  }
  return -1;
}
