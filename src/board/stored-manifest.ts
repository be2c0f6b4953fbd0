import { equalBytes } from "../base/bytes.ts";
import type { Flash } from "../flash/nor-flash.ts";
import type { ReceivingRecord } from "../flash/record/record-state.ts";
import { type SectorRange, touchesRange } from "../flash/record/sector-ranges.ts";
import type { BoardParts } from "./board-parts.ts";
import { storedManifest } from "./boot.ts";
import { areaOffset, writeManifest } from "./manifest-area.ts";

/**
 * Stores the manifest of an image that is received, unless it is there for certain (PROTOCOL.md 13.3): a "receiving"
 * entry is written behind a manifest that was programmed completely, so the bytes are stable that it names, as long as
 * the area's sector is not open. To read right proves nothing: a torn area may do so once.
 */
export function storeManifest(parts: BoardParts, image: ReceivingRecord, envelope: Uint8Array): void {
  const { flash, record } = parts;
  record.settle();
  const { receiving } = record.state;
  const isNamed = receiving?.area === image.area;
  if (isNamed && equalBytes(receiving.digest, image.digest) && isStored(parts, image)) return;
  // From here on what the entry says of the area is not so any more.
  if (isNamed) record.append({ tag: "sectors", open: sectorOf(flash, image.area) });
  writeManifest(flash, image.area, envelope);
}

/** Closes the sector of an area, if it is open. Call it once the record names what was stored there. */
export function closeManifest({ flash, record }: BoardParts, area: number): void {
  const close = sectorOf(flash, area);
  if (touchesRange(record.state.openSectors, close)) record.append({ tag: "sectors", close });
}

/** Whether the image's manifest lies in its area, by whomever it is signed, and the area is not open. */
function isStored(parts: BoardParts, image: ReceivingRecord): boolean {
  const { flash, record } = parts;
  if (touchesRange(record.state.openSectors, sectorOf(flash, image.area))) return false;
  return typeof storedManifest(parts, image) === "object";
}

function sectorOf(flash: Flash, area: number): SectorRange {
  const sector = areaOffset(flash, area) / flash.map.sectorSize;
  return { first: sector, last: sector };
}
