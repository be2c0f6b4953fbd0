import { equalBytes } from "../../base/bytes.ts";
import { FailedError } from "../../base/errors.ts";
import { type FlashMap, isErased, MANIFEST_PLACE_SIZE, type Region } from "../geometry.ts";
import type { Flash } from "../nor-flash.ts";

/*
 * Manifests at the end of the boot record's sectors (PROTOCOL.md 13.3): a place for each area, the same in both.
 */

/** Where the manifest of an area lies in a sector of the record. RangeError when there is no such area. */
export function manifestPlace(map: FlashMap, sector: 0 | 1, area: number): Region {
  if (!(area >= 0 && area < map.areaCount)) throw new RangeError(`no manifest area ${area}`);
  const at = map.journalSize + area * MANIFEST_PLACE_SIZE;
  return { offset: map.record[sector].offset + at, size: MANIFEST_PLACE_SIZE };
}

/**
 * Copies the manifests of some areas from one sector of the record to the other, which must be erased, as they read
 * now. Does nothing where manifests lie in sectors of their own. FailedError `flash-failed` when a copy reads otherwise.
 */
export function copyPlaces(flash: Flash, from: 0 | 1, to: 0 | 1, areas: ReadonlySet<number>): void {
  const { map } = flash;
  if (map.manifests.length > 0) return;
  for (const area of areas) {
    if (area >= map.areaCount) continue;
    const { offset, size } = manifestPlace(map, from, area);
    // Read once: bits that a cut left unstable read the same from here on.
    const bytes = withoutTail(map, flash.read(offset, size));
    if (bytes.length === 0) continue;
    const place = manifestPlace(map, to, area);
    flash.program(place.offset, bytes);
    if (!equalBytes(flash.read(place.offset, bytes.length), bytes)) throw recordFailed();
  }
}

/** The bytes without the erased write units at their end. */
function withoutTail(map: FlashMap, bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && isErased(map, bytes.subarray(end - map.writeSize, end))) end -= map.writeSize;
  return bytes.subarray(0, end);
}

/** The record's flash is worn out, or broken: what was written to a fresh sector does not read back. */
export function recordFailed(): FailedError {
  return new FailedError(
    "flash-failed",
    "The boot record's flash does not keep what is written to it; it may be worn out. Nothing was lost yet.",
  );
}
