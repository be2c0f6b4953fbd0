import { assert } from "../base/assert.ts";

/** Bytes of the recovery image, which the protocol never changes; rounded up to whole sectors. */
export const RECOVERY_SIZE = 16_384;
/** Smallest sector, in bytes: a snapshot of the boot record must fit in one (docs/board.md). */
export const SECTOR_SIZE_MIN = 1024;
/** Largest sector, in bytes. */
export const SECTOR_SIZE_MAX = 1_048_576;
/** Sector size of a board that gives none, in bytes. */
export const SECTOR_SIZE_DEFAULT = 4096;
/** Largest slot: 1 GiB. */
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

/** Value of erased bytes: 0xFF in most flash; 0x00 in flash whose programming turns bits from 0 to 1. */
export type ErasedByte = 0xff | 0x00;

/** `single`: one slot, written in place. `ab`: two slots, of which the one that boots is never written. */
export type FlashLayout = "single" | "ab";

/** The geometry of a board's flash. */
export interface FlashGeometry {
  /** Bytes erased at once: a power of two, {@link SECTOR_SIZE_MIN} to {@link SECTOR_SIZE_MAX}. */
  readonly sectorSize: number;
  /** Bytes of the largest image, 1 to {@link SLOT_SIZE_MAX}; need not be whole sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
  /**
   * Bytes programmed at once: a power of two, 1 to {@link WRITE_SIZE_MAX}; {@link WRITE_SIZE_DEFAULT} unless given.
   */
  readonly writeSize?: number | undefined;
  /** 0xFF unless given. */
  readonly erasedByte?: ErasedByte | undefined;
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
  readonly sectorSize: number;
  /** Bytes of a slot that an image may use; the slot's region is this rounded up to sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
  /** Bytes in all. */
  readonly size: number;
  /** The recovery image: never erased, never programmed. */
  readonly recovery: Region;
  /** The two sectors of the boot record. */
  readonly record: readonly [Region, Region];
  /** One more than there are slots, so that a manifest that is received never replaces an installed one. */
  readonly manifests: readonly Region[];
  readonly slots: readonly Region[];
}

/** The kind of region that an offset lies in. */
export type RegionName = "recovery" | "record" | "manifest" | "slot";

/** Why a geometry is not possible, for the caller's error message; undefined when it is. */
export function geometryFault(geometry: FlashGeometry): string | undefined {
  const { sectorSize, slotSize, writeSize = WRITE_SIZE_DEFAULT } = geometry;
  if (!isPowerOfTwo(sectorSize) || sectorSize < SECTOR_SIZE_MIN || sectorSize > SECTOR_SIZE_MAX) {
    return `sector size ${sectorSize}: must be a power of two from ${SECTOR_SIZE_MIN} to ${SECTOR_SIZE_MAX}`;
  }
  if (!Number.isInteger(slotSize) || slotSize < 1 || slotSize > SLOT_SIZE_MAX) {
    return `slot size ${slotSize}: must be 1 to ${SLOT_SIZE_MAX} bytes`;
  }
  if (!isPowerOfTwo(writeSize) || writeSize > WRITE_SIZE_MAX) {
    return `write size ${writeSize}: must be a power of two from 1 to ${WRITE_SIZE_MAX}`;
  }
  const least = RECORD_ENTRIES_MIN * roundUp(ENTRY_SIZE, writeSize);
  if (sectorSize < least) return `write size ${writeSize}: needs sectors of ${least} bytes or more`;
  return undefined;
}

function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(size) && size > 0 && 2 ** Math.round(Math.log2(size)) === size;
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
  const fault = geometryFault(geometry);
  assert(fault === undefined, fault ?? "");
  const { sectorSize, slotSize, layout, writeSize = WRITE_SIZE_DEFAULT, erasedByte = 0xff } = geometry;
  let size = 0;
  const take = (bytes: number): Region => {
    const region = { offset: size, size: roundUp(bytes, sectorSize) };
    size += region.size;
    return region;
  };
  const slotCount = layout === "ab" ? 2 : 1;
  const recovery = take(RECOVERY_SIZE);
  const record: [Region, Region] = [take(sectorSize), take(sectorSize)];
  const manifests = Array.from({ length: slotCount + 1 }, () => take(sectorSize));
  const slots = Array.from({ length: slotCount }, () => take(slotSize));
  return { sectorSize, slotSize, layout, writeSize, erasedByte, size, recovery, record, manifests, slots };
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
  for (const byte of bytes) if (byte !== unit.erasedByte) return false;
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
