import { assert } from "../base/assert.ts";

/** Octets of the boot image area that the protocol never touches, rounded up to whole sectors. */
export const RECOVERY_SIZE = 16_384;
/** Smallest sector: a whole snapshot of the boot record has to fit in one (DESIGN.md, "boot record"). */
export const SECTOR_SIZE_MIN = 1024;
/** Largest sector. */
export const SECTOR_SIZE_MAX = 1_048_576;
/** Sector size unless the board says otherwise. */
export const SECTOR_SIZE_DEFAULT = 4096;
/** Largest slot: 1 GiB. */
export const SLOT_SIZE_MAX = 0x4000_0000;
/** Programming starts and ends at multiples of this many octets. */
export const WRITE_SIZE = 16;

/** `single`: one slot, written in place. `ab`: two slots, of which the one that boots is never written. */
export type FlashLayout = "single" | "ab";

/** What a board's flash is made of. */
export interface FlashGeometry {
  /** Octets erased at once: a power of two, {@link SECTOR_SIZE_MIN} to {@link SECTOR_SIZE_MAX}. */
  readonly sectorSize: number;
  /** Octets that an image may have at most, 1 to {@link SLOT_SIZE_MAX}; need not be whole sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
}

/** Octets `offset` up to, and without, `offset + size`. */
export interface Region {
  readonly offset: number;
  readonly size: number;
}

/** Where everything is. Every region starts and ends at a sector boundary. */
export interface FlashMap {
  readonly sectorSize: number;
  /** Octets of a slot that an image may use; the slot's region is this rounded up to sectors. */
  readonly slotSize: number;
  readonly layout: FlashLayout;
  /** Octets in all. */
  readonly size: number;
  /** The recovery image: never erased, never programmed. */
  readonly recovery: Region;
  /** The two sectors of the boot record. */
  readonly record: readonly [Region, Region];
  /** One more than there are slots, so that a manifest being received never replaces an installed one. */
  readonly manifests: readonly Region[];
  readonly slots: readonly Region[];
}

/** The region of an offset, named. */
export type RegionName = "recovery" | "record" | "manifest" | "slot";

/** Why a geometry is impossible, or undefined. For people; callers turn it into their error. */
export function geometryFault(geometry: FlashGeometry): string | undefined {
  const { sectorSize, slotSize } = geometry;
  const isPowerOfTwo = Number.isInteger(sectorSize) && 2 ** Math.round(Math.log2(sectorSize)) === sectorSize;
  if (!isPowerOfTwo || sectorSize < SECTOR_SIZE_MIN || sectorSize > SECTOR_SIZE_MAX) {
    return `sector size ${sectorSize}: must be a power of two from ${SECTOR_SIZE_MIN} to ${SECTOR_SIZE_MAX}`;
  }
  if (!Number.isInteger(slotSize) || slotSize < 1 || slotSize > SLOT_SIZE_MAX) {
    return `slot size ${slotSize}: must be 1 to ${SLOT_SIZE_MAX} octets`;
  }
  return undefined;
}

/** Rounds `size` up to whole multiples of `unit`. */
export function roundUp(size: number, unit: number): number {
  return Math.ceil(size / unit) * unit;
}

/** Lays the regions out, in the order recovery, boot record, manifests, slots. */
export function flashMap(geometry: FlashGeometry): FlashMap {
  const fault = geometryFault(geometry);
  assert(fault === undefined, fault ?? "");
  const { sectorSize, slotSize, layout } = geometry;
  let size = 0;
  const take = (octets: number): Region => {
    const region = { offset: size, size: roundUp(octets, sectorSize) };
    size += region.size;
    return region;
  };
  const slotCount = layout === "ab" ? 2 : 1;
  const recovery = take(RECOVERY_SIZE);
  const record: [Region, Region] = [take(sectorSize), take(sectorSize)];
  const manifests = Array.from({ length: slotCount + 1 }, () => take(sectorSize));
  const slots = Array.from({ length: slotCount }, () => take(slotSize));
  return { sectorSize, slotSize, layout, size, recovery, record, manifests, slots };
}

/** Whether `inner` lies wholly within `outer`. */
export function contains(outer: Region, inner: Region): boolean {
  return inner.offset >= outer.offset && inner.offset + inner.size <= outer.offset + outer.size;
}

/** Whether the two share an octet. */
export function overlaps(a: Region, b: Region): boolean {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/** Which region an offset is in, with its number (0 or 1 for the record's sectors and for slots). */
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
