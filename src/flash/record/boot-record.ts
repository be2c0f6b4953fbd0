import { assert } from "../../base/assert.ts";
import { isAfter32 } from "../../base/serial-number.ts";
import { ENTRY_SIZE, type FlashMap, isErased, padToUnits, type Region, roundUp } from "../geometry.ts";
import type { Flash } from "../nor-flash.ts";
import { type DecodedEntry, decodeEntry, encodeEntry, entriesOf, type RecordEntry } from "./record-codec.ts";
import {
  applyEvent,
  EMPTY_RECORD,
  type RecordEvent,
  type RecordState,
  snapshotEvents,
} from "./record-state.ts";

/**
 * Seals written to settle the choice between two complete sectors. Two, because the place of one may be torn although
 * it reads blank, and because one that reads invalid now may have taken the next sequence number.
 */
const RESEALS = 2;
/** Entries at the end of a sector that only these seals use: enough for two power-ups that were cut in the middle. */
const RESERVED = 4;

/** The content of one of the record's two sectors. */
interface SectorContent {
  /** Undefined unless the header and its whole snapshot are there. */
  readonly state: RecordState | undefined;
  /** Sequence number of the header. Sequence numbers wrap: they are compared as serial numbers. */
  readonly sequence: number;
  /** Latest sequence number of any entry; undefined when there is none. */
  readonly lastSequence: number | undefined;
  /** Latest sequence number of its seals; undefined when there is none. */
  readonly sealSequence: number | undefined;
  readonly isBlank: boolean;
  /** Whether some entry is neither blank nor valid. */
  readonly isTorn: boolean;
  /** Index of the entry after the last one that is not blank. */
  readonly end: number;
}

/**
 * The boot record: a journal in two sectors, safe against power cuts at, before, after and within every operation
 * (PROTOCOL.md "Boot record"). An event is durable when {@link BootRecord.append} returns. After a cut within it, the
 * record reads as the state before the event or after it.
 *
 * The first event after opening starts a new sector, so that nothing is appended after an entry that a cut may have
 * left unstable, or read together with one.
 */
export class BootRecord {
  readonly #flash: Flash;
  /** Bytes from one entry to the next. */
  readonly #stride: number;
  #state: RecordState;
  #sequence: number;
  /** The sector that holds the state; undefined when neither does. */
  #active: 0 | 1 | undefined;
  /** Index in the active sector of the next entry; undefined before the first event after opening. */
  #at: number | undefined;
  /** Entry of the active sector that gets another seal before the other sector may be erased. */
  #resealAt: number | undefined;
  /** Whether the record is as a completed operation leaves it. */
  readonly isClean: boolean;

  /** Reads the record. Changes nothing. */
  constructor(flash: Flash) {
    this.#flash = flash;
    this.#stride = entryStride(flash.map);
    const found = [readSector(flash, 0), readSector(flash, 1)] as const;
    const active = chooseSector(found);
    const other = active === 0 ? found[1] : found[0];
    this.#active = active;
    this.#state = (active === undefined ? undefined : found[active].state) ?? EMPTY_RECORD;
    this.#sequence = later(found[0].lastSequence, found[1].lastSequence) ?? 0;
    this.isClean = other.isBlank && (active === undefined ? found[1].isBlank : !found[active].isTorn);
    // The seal that decided may be one that a cut left unstable.
    if (active !== undefined && other.state !== undefined) {
      this.#resealAt = found[active].end;
    }
  }

  get state(): RecordState {
    return this.#state;
  }

  /** Adds `event`. It is durable when this returns. */
  append(event: RecordEvent): void {
    const next = applyEvent(this.#state, event);
    const entries = entriesOf(event);
    const end = this.#flash.map.sectorSize - RESERVED * this.#stride;
    // The two entries of an event with a digest stand in one sector.
    if (this.#at === undefined || this.#at + entries.length * this.#stride > end) this.#compact(next);
    else for (const entry of entries) this.#programNext(entry);
    this.#state = next;
  }

  /** Rewrites the record if a cut left a torn entry that shows. Call it before acting on the state. */
  repair(): void {
    if (!this.isClean) this.settle();
  }

  /**
   * Makes the state stable, as {@link append} does: an entry may read valid now and invalid at the next power-up.
   * Call it before erasing anything that the state before the last event still needs.
   */
  settle(): void {
    if (this.#at === undefined) this.#compact(this.#state);
  }

  /**
   * The order matters: a sector is erased only when a seal written in this run shows that the other one is complete.
   */
  #compact(state: RecordState): void {
    const { map } = this.#flash;
    const old = this.#active;
    const fresh = old === 0 ? 1 : 0;
    const isFreshErased = this.#at !== undefined;
    this.#reseal();
    if (!isFreshErased) this.#erase(fresh);
    const entries = snapshotEvents(state).flatMap(entriesOf);
    assert((entries.length + 2 + RESERVED) * this.#stride <= map.sectorSize, "a snapshot fits in a sector");
    this.#active = fresh;
    this.#at = this.#stride;
    for (const entry of entries) this.#programNext(entry);
    this.#programAt(this.#region(fresh), 0, { tag: "header", count: entries.length });
    this.#programNext({ tag: "seal" });
    this.#erase(fresh === 0 ? 1 : 0);
  }

  /** Seals again, in this run, a sector whose own seal may be unstable. */
  #reseal(): void {
    if (this.#resealAt === undefined || this.#active === undefined) return;
    for (let i = this.#resealAt; i < this.#resealAt + RESEALS; i++) {
      if ((i + 1) * this.#stride > this.#flash.map.sectorSize) break;
      this.#programAt(this.#region(this.#active), i * this.#stride, { tag: "seal" });
    }
    this.#resealAt = undefined;
  }

  #programNext(entry: RecordEntry): void {
    assert(this.#at !== undefined && this.#active !== undefined, "the record has a sector");
    this.#programAt(this.#region(this.#active), this.#at, entry);
    this.#at += this.#stride;
  }

  #programAt(sector: Region, at: number, entry: RecordEntry): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#flash.program(sector.offset + at, padToUnits(this.#flash.map, encodeEntry(entry, this.#sequence)));
  }

  #erase(index: 0 | 1): void {
    this.#flash.erase(this.#region(index).offset / this.#flash.map.sectorSize);
  }

  #region(index: 0 | 1): Region {
    return this.#flash.map.record[index];
  }
}

/**
 * Of two complete sectors the one sealed last counts. A seal is only begun after the sector's header was programmed
 * completely, and a sector is only erased after a later seal in the other one was. So a sector that a torn seal
 * selects is complete, and the new seals that it gets first make the choice final. Without any seal the newer header
 * may be unstable, but the older sector was not changed yet.
 */
function chooseSector(found: readonly [SectorContent, SectorContent]): 0 | 1 | undefined {
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
function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isAfter32(a, b) ? a : b;
}

/** Every entry starts at a write unit, so that no unit is programmed twice. */
function entryStride(map: FlashMap): number {
  return roundUp(ENTRY_SIZE, map.writeSize);
}

function readSector(flash: Flash, index: 0 | 1): SectorContent {
  const region = flash.map.record[index];
  const bytes = flash.read(region.offset, region.size);
  const entries: (DecodedEntry | undefined)[] = [];
  let isTorn = false;
  let end = 0;
  const stride = entryStride(flash.map);
  for (let at = 0; at + stride <= bytes.length; at += stride) {
    const entryBytes = bytes.subarray(at, at + stride);
    const isBlank = isErased(flash.map, entryBytes);
    // The padding of the write unit holds nothing, but must be erased.
    const isFilled = isErased(flash.map, entryBytes.subarray(ENTRY_SIZE));
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
    isBlank: end === 0,
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
