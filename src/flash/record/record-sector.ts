import { isAfter32 } from "../../base/serial-number.ts";
import { ENTRY_SIZE, type FlashMap, isErased, roundUp } from "../geometry.ts";
import type { Flash } from "../nor-flash.ts";
import { type DecodedEntry, decodeEntry, entriesOf, type RecordEntry } from "./record-codec.ts";
import { applyEvent, EMPTY_RECORD, type RecordState } from "./record-state.ts";

/** The content of one of the record's two sectors. */
export interface SectorContent {
  /** Undefined unless the header and its whole snapshot are there. */
  readonly state: RecordState | undefined;
  /** Sequence number of the header. Sequence numbers wrap: they are compared as serial numbers. */
  readonly sequence: number;
  /** Latest sequence number of any entry; undefined when there is none. */
  readonly lastSequence: number | undefined;
  /** Latest sequence number of its seals; undefined when there is none. */
  readonly sealSequence: number | undefined;
  /** Whether all of the sector reads erased. */
  readonly isBlank: boolean;
  /** Whether some entry is neither blank nor valid. */
  readonly isTorn: boolean;
  /** Index of the entry after the last one that is not blank. */
  readonly end: number;
}

/**
 * Of two complete sectors the one sealed last counts. A seal is only begun after the sector's header was programmed
 * completely, and a sector is only erased after a later seal in the other one was. So a sector that a torn seal
 * selects is complete, and the new seals that it gets first make the choice final. Without any seal the newer header
 * may be unstable, but the older sector was not changed yet.
 */
export function chooseSector(found: readonly [SectorContent, SectorContent]): 0 | 1 | undefined {
  const [a, b] = found;
  if (a.state === undefined || b.state === undefined) {
    if (a.state !== undefined) return 0;
    return b.state === undefined ? undefined : 1;
  }
  if (a.sealSequence !== b.sealSequence)
    return later(a.sealSequence, b.sealSequence) === a.sealSequence ? 0 : 1;
  return isAfter32(b.sequence, a.sequence) ? 0 : 1;
}

/** The later of two sequence numbers. */
export function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isAfter32(a, b) ? a : b;
}

/** Every entry starts at a write unit, so that no unit is programmed twice. */
export function entryStride(map: FlashMap): number {
  return roundUp(ENTRY_SIZE, map.writeSize);
}

/** Reads a sector of the record. Changes nothing. */
export function readSector(flash: Flash, index: 0 | 1): SectorContent {
  const { map } = flash;
  const { offset, size } = map.record[index];
  const whole = flash.read(offset, size);
  // Most of a large sector is blank, and need not be decoded.
  const journal = whole.subarray(0, map.journalSize);
  const bytes = journal.subarray(0, programmedSize(map, journal));
  const entries: (DecodedEntry | undefined)[] = [];
  let isTorn = false;
  let end = 0;
  const stride = entryStride(map);
  for (let at = 0; at + stride <= bytes.length; at += stride) {
    const entryBytes = bytes.subarray(at, at + stride);
    const isBlank = isErased(map, entryBytes);
    // The padding of the write unit holds nothing, but must be erased.
    const isFilled = isErased(map, entryBytes.subarray(ENTRY_SIZE));
    const isReadable = !isBlank && isFilled;
    const decoded = isReadable ? decodeEntry(entryBytes.subarray(0, ENTRY_SIZE), entries.at(-1)) : undefined;
    if (!isBlank) end = at / stride + 1;
    if (!isBlank && decoded === undefined) isTorn = true;
    entries.push(decoded);
  }
  const sequences = entries.map((entry) => entry?.sequence);
  const seals = entries.map((found) => (found?.entry.tag === "seal" ? found.sequence : undefined));
  return {
    state: replay(entries),
    sequence: sequences[0] ?? 0,
    lastSequence: sequences.reduce(later, undefined),
    sealSequence: seals.reduce(later, undefined),
    isBlank: isErased(map, whole),
    isTorn: isTorn || entries.some((_, i) => isLone(entries, i)),
    end,
  };
}

/** Whether entry `i` is the rest of a digest without the event that it belongs to. */
function isLone(entries: readonly (DecodedEntry | undefined)[], i: number): boolean {
  const found = entries[i];
  if (found?.entry.tag !== "digest") return false;
  const next = entries[i + 1];
  const isNext = next?.entry.tag === "event" && next.sequence === (found.sequence + 1) >>> 0;
  return !isNext || entriesOf(next.entry.event).length === 1;
}

/** Bytes up to the last one that is not erased, in whole entries. */
function programmedSize(map: FlashMap, bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === map.erasedByte) end--;
  return roundUp(end, entryStride(map));
}

function replay(entries: readonly (DecodedEntry | undefined)[]): RecordState | undefined {
  const header = entries[0]?.entry;
  if (header?.tag !== "header") return undefined;
  const snapshot = entries.slice(1, 1 + header.count);
  const isMissing = (i: number): boolean => isLone(snapshot, i) || !isPart(snapshot[i]?.entry);
  if (snapshot.length < header.count || snapshot.some((_, i) => isMissing(i))) return undefined;
  let state = EMPTY_RECORD;
  for (const found of entries) if (found?.entry.tag === "event") state = applyEvent(state, found.entry.event);
  return state;
}

/** Whether an entry may be one of a snapshot. */
function isPart(entry: RecordEntry | undefined): boolean {
  return entry?.tag === "event" || entry?.tag === "digest";
}
