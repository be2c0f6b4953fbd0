import { assert } from "../../base/assert.ts";
import { isErased, padToUnits, type Region } from "../geometry.ts";
import type { Flash } from "../nor-flash.ts";
import { copyPlaces, manifestPlace, recordFailed } from "./manifest-places.ts";
import { encodeEntry, entriesOf, type RecordEntry } from "./record-codec.ts";
import { chooseSector, entryStride, later, readSector } from "./record-sector.ts";
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
  /** Manifest area that this run gave away to be written, until the state names it. */
  #given: number | undefined;
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
    const end = this.#flash.map.journalSize - RESERVED * this.#stride;
    // The two entries of an event with a digest stand in one sector.
    if (this.#at === undefined || this.#at + entries.length * this.#stride > end) this.#compact(next);
    else for (const entry of entries) this.#programNext(entry);
    this.#state = next;
    if (this.#given !== undefined && areasOf(next).has(this.#given)) this.#given = undefined;
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
   * Where the manifest of an area lies now, when manifests lie in the record's sectors; undefined when neither sector
   * holds. RangeError when there is no such area.
   */
  placeOf(area: number): Region | undefined {
    return this.#active === undefined ? undefined : manifestPlace(this.#flash.map, this.#active, area);
  }

  /**
   * A blank place for the manifest of an area, in a sector that this run began (PROTOCOL.md 13.3). What the area held
   * is lost if it has to be made: no image that is installed may use it. Write to it before the event that names it.
   * RangeError when there is no such area.
   */
  blankPlace(area: number): Region {
    assert(
      this.#state.slots.every((slot) => slot.area !== area),
      "no installed image loses its manifest",
    );
    if (area >= this.#flash.map.areaCount) throw new RangeError(`no manifest area ${area}`);
    this.#given = undefined;
    if (this.#at === undefined || !this.#isBlank(area)) this.#compact(this.#state, area);
    const place = this.placeOf(area);
    assert(place !== undefined, "a sector holds the record");
    this.#given = area;
    return place;
  }

  /**
   * The order matters: a sector is erased only when a seal written in this run shows that the other one is complete,
   * and a header is written only when all manifests that the state names, but that of `without`, were read back.
   */
  #compact(state: RecordState, without?: number): void {
    const { map } = this.#flash;
    const old = this.#active;
    const fresh = old === 0 ? 1 : 0;
    const isFreshErased = this.#at !== undefined;
    this.#reseal();
    if (!isFreshErased) this.#erase(fresh);
    const entries = snapshotEvents(state).flatMap(entriesOf);
    assert((entries.length + 2 + RESERVED) * this.#stride <= map.journalSize, "a snapshot fits in a sector");
    // If copying fails the sector that holds is untouched, and the fresh one has to be erased again.
    this.#at = undefined;
    if (old !== undefined) copyPlaces(this.#flash, old, fresh, this.#areasToCopy(state, without));
    this.#active = fresh;
    this.#at = this.#stride;
    for (const entry of entries) this.#programNext(entry);
    this.#programAt(this.#region(fresh), 0, { tag: "header", count: entries.length });
    this.#programNext({ tag: "seal" });
    this.#checkFresh(fresh, old);
    this.#erase(fresh === 0 ? 1 : 0);
  }

  /** The fresh sector has to read as it was written, or the one before stays: nothing of it was changed. */
  #checkFresh(fresh: 0 | 1, old: 0 | 1 | undefined): void {
    const { state, sealSequence } = readSector(this.#flash, fresh);
    if (state !== undefined && sealSequence === this.#sequence) return;
    this.#active = old;
    this.#at = undefined;
    throw recordFailed();
  }

  #isBlank(area: number): boolean {
    const place = this.placeOf(area);
    return place !== undefined && isErased(this.#flash.map, this.#flash.read(place.offset, place.size));
  }

  /** Areas whose manifests a fresh sector needs. */
  #areasToCopy(state: RecordState, without: number | undefined): ReadonlySet<number> {
    const areas = areasOf(state);
    if (this.#given !== undefined) areas.add(this.#given);
    if (without !== undefined) areas.delete(without);
    return areas;
  }

  /** Seals again, in this run, a sector whose own seal may be unstable. */
  #reseal(): void {
    if (this.#resealAt === undefined || this.#active === undefined) return;
    for (let i = this.#resealAt; i < this.#resealAt + RESEALS; i++) {
      if ((i + 1) * this.#stride > this.#flash.map.journalSize) break;
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
    this.#flash.erase(this.#flash.map.sectors.at(this.#region(index).offset));
  }

  #region(index: 0 | 1): Region {
    return this.#flash.map.record[index];
  }
}

/** Manifest areas that a state names. */
function areasOf({ slots, receiving }: RecordState): Set<number> {
  const areas = new Set(slots.map(({ area }) => area));
  if (receiving !== undefined) areas.add(receiving.area);
  return areas;
}
