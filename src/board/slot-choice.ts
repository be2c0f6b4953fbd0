import { equalBytes } from "../base/bytes.ts";
import type { FlashMap } from "../flash/geometry.ts";
import { type RecordState, slotRecord } from "../flash/record/record-state.ts";

/**
 * The slot that an image is received into (PROTOCOL.md "Receiving"). Never the one that boots, unless there is only
 * one slot. If none boots: the slot that already has some of this image, else the one whose loss costs least.
 */
export function chooseSlot(
  map: FlashMap,
  state: RecordState,
  booting: number | undefined,
  digest: Uint8Array,
): number {
  const candidates = map.slots.map((_, slot) => slot).filter((slot) => slot !== booting);
  if (candidates.length === 0) return 0;
  const { receiving } = state;
  const isSame = (other: Uint8Array | undefined): boolean => other !== undefined && equalBytes(other, digest);
  const holds =
    candidates.find((slot) => receiving?.slot === slot && isSame(receiving.digest)) ??
    candidates.find((slot) => isSame(slotRecord(state, slot)?.digest));
  if (holds !== undefined) return holds;
  const value = (slot: number): number => {
    const record = slotRecord(state, slot);
    if (record === undefined) return -1;
    return record.isConfirmed ? record.rank + 2 ** 32 : record.rank;
  };
  return candidates.reduce((best, slot) => (value(slot) < value(best) ? slot : best));
}

/** The manifest area for an image that is received: the one it has already, else one that no installed image uses. */
export function chooseArea(map: FlashMap, state: RecordState): number {
  const isFree = (area: number): boolean => state.slots.every((slot) => slot.area !== area);
  const { receiving } = state;
  if (receiving !== undefined && isFree(receiving.area)) return receiving.area;
  let area = 0;
  while (area < map.areaCount && !isFree(area)) area++;
  return area;
}
