import { UsageError } from "../base/errors.ts";
import { type Random, randomBelow, randomBytes } from "../base/prng.ts";
import { erasedBytes, type FlashMap, type FlashUnit, isErased } from "../flash/geometry.ts";
import type { FlashStorage } from "../flash/storage.ts";

/** Where and how to damage a board. */
export interface DamageOptions {
  readonly slot: number;
  /** Counted from the slot's start. */
  readonly sector: number;
  /** Bytes from the sector's start, 1 to a whole sector; a whole sector unless given. */
  readonly bytes?: number;
  /** Erase the bytes instead of writing random ones; invert them where they are erased already. */
  readonly isErase: boolean;
}

/** What was damaged. */
export interface DamageReport {
  readonly slot: number;
  readonly sector: number;
  /** From the start of the flash, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** Bytes that changed: at least 1. */
  readonly changed: number;
}

/**
 * Overwrites part of a slot, past all rules of the flash. Its first byte always changes, or with `isErase` at least
 * one byte. UsageError `damage-slot`, `damage-sector`, `damage-bytes`.
 */
export function damageSlot(
  storage: FlashStorage,
  map: FlashMap,
  options: DamageOptions,
  random: Random,
): DamageReport {
  const { slot, sector, isErase } = options;
  const region = map.slots[slot];
  if (region === undefined) {
    throw new UsageError("damage-slot", `There is no slot ${slot}: this board has ${map.slots.length}.`);
  }
  const { first, last } = map.sectors.range(region.offset, region.size);
  const sectors = last - first + 1;
  if (!Number.isInteger(sector) || sector < 0 || sector >= sectors) {
    throw new UsageError(
      "damage-sector",
      `There is no sector ${sector}: slot ${slot} has 0 to ${sectors - 1}.`,
    );
  }
  const { offset, size } = map.sectors.region(first + sector);
  const bytes = options.bytes ?? size;
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > size) {
    throw new UsageError("damage-bytes", `Cannot damage ${bytes} bytes of a sector of ${size}.`);
  }
  const whole = storage.read(offset, size);
  const old = whole.slice(0, bytes);
  const next = isErase ? erased(map, old) : scrambled(old, random);
  whole.set(next);
  // A chip only sets bits by erasing the whole sector; the rest of it is written back.
  storage.erase(offset, size, map.erasedByte);
  storage.write(offset, whole);
  storage.sync();
  const changed = next.reduce((count, byte, i) => count + (byte === old[i] ? 0 : 1), 0);
  return { slot, sector, offset, bytes, changed };
}

function erased(unit: FlashUnit, old: Uint8Array): Uint8Array {
  const next = erasedBytes(unit, old.length);
  return isErased(unit, old) ? next.map((byte) => byte ^ 0xff) : next;
}

function scrambled(old: Uint8Array, random: Random): Uint8Array {
  const next = randomBytes(random, old.length);
  next[0] = ((old[0] ?? 0) + 1 + randomBelow(random, 255)) & 0xff;
  return next;
}
