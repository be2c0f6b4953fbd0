import { equalBytes } from "../base/bytes.ts";
import type { Flash } from "../flash/nor-flash.ts";
import type { ReceivingRecord } from "../flash/record/record-state.ts";
import { type SectorRange, touchesRange } from "../flash/record/sector-ranges.ts";
import type { BoardParts } from "./board-parts.ts";
import { storedManifest } from "./boot.ts";
import { areaSector, writeManifest } from "./manifest-area.ts";

/**
 * Stores the manifest of an image that is received, unless it is there for certain (PROTOCOL.md 13.3): a "receiving"
 * entry is written behind a manifest that was programmed completely, so the bytes are stable that it names, as long as
 * the area's sector is not open. To read right proves nothing: a torn area may do so once. A manifest in the record's
 * own sectors is stable once the record is settled, as this run wrote or copied it.
 */
export function storeManifest(parts: BoardParts, image: ReceivingRecord, envelope: Uint8Array): void {
  const { flash, record } = parts;
  const open = sectorOf(flash, image.area);
  const { receiving } = record.state;
  const isNamed = receiving?.area === image.area;
  const isKnown = isNamed && equalBytes(receiving.digest, image.digest);
  // What does not even read right need not be copied to the sector that settling the record begins.
  if (open !== undefined || (isKnown && isStored(parts, image))) record.settle();
  if (isKnown && isStored(parts, image)) return;
  // From here on what the entry says of the area is not so any more.
  if (isNamed && open !== undefined) record.append({ tag: "sectors", open });
  writeManifest(parts, image.area, envelope);
}

/** Closes the sector of an area, if it is open. Call it once the record names what was stored there. */
export function closeManifest({ flash, record }: BoardParts, area: number): void {
  const close = sectorOf(flash, area);
  if (close !== undefined && touchesRange(record.state.openSectors, close)) {
    record.append({ tag: "sectors", close });
  }
}

/** Whether the image's manifest lies in its area, by whomever it is signed, and the area is not open. */
function isStored(parts: BoardParts, image: ReceivingRecord): boolean {
  const { flash, record } = parts;
  const sector = sectorOf(flash, image.area);
  if (sector !== undefined && touchesRange(record.state.openSectors, sector)) return false;
  return typeof storedManifest(parts, image) === "object";
}

/** The sector of an area that has one of its own. */
function sectorOf(flash: Flash, area: number): SectorRange | undefined {
  const sector = areaSector(flash, area);
  return sector === undefined ? undefined : { first: sector, last: sector };
}
