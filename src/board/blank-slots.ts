import { isErased } from "../flash/geometry.ts";
import type { BoardParts } from "./board-parts.ts";

/** Bytes that are looked at in one piece. */
const PIECE_BYTES = 65_536;

/**
 * Whether the flash holds nothing where an image goes: a look at every byte of the slots found them erased. What the boot
 * record says is no proof of it, but where it names something nothing is looked at: a torn erase reads right at times
 * (PROTOCOL.md 5.4).
 */
export function areSlotsBlank({ flash, record }: BoardParts): boolean {
  const { slots, receiving, openSectors } = record.state;
  if (receiving !== undefined || openSectors.length > 0 || slots.length > 0) return false;
  return flash.map.slots.every(({ offset, size }) => {
    for (let at = 0; at < size; at += PIECE_BYTES) {
      if (!isErased(flash.map, flash.read(offset + at, Math.min(PIECE_BYTES, size - at)))) return false;
    }
    return true;
  });
}
