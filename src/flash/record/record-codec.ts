import crc32 from "crc/calculators/crc32";
import { ByteReader, ByteWriter, equalBytes } from "../../base/bytes.ts";
import { ENTRY_SIZE } from "../geometry.ts";
import type { RecordEvent, RecordedOrder, SlotRecord } from "./record-state.ts";
import type { SectorRange } from "./sector-ranges.ts";

/** Version of the boot record's format. */
export const RECORD_VERSION = 1;

/** Types of entries (PROTOCOL.md "Boot record"). They are in flash: add new ones, never renumber. */
const EntryType = {
  header: 0x01,
  seal: 0x02,
  installed: 0x11,
  slot: 0x12,
  receiving: 0x13,
  sectors: 0x14,
  floor: 0x15,
  failed: 0x16,
  order: 0x17,
} as const;

const FLAG_CONFIRMED = 0x01;
const FLAG_REVERTED = 0x02;
const FLAG_UNPROVEN = 0x04;
const MAGIC = Uint8Array.of(0x4d, 0x44, 0x42, 0x52, 0x45, 0x43, RECORD_VERSION, 0x00); // "MDBREC", version
const NO_SECTOR = 0xffff_ffff;
const NO_BYTES = new Uint8Array(8);
const SLOTS = 2;
const AREAS = 3;

/** An entry of the journal. */
export type RecordEntry =
  /** First in a sector, programmed last: the `count` entries after it are a complete snapshot. */
  | { readonly tag: "header"; readonly count: number }
  /** Programmed after the header was complete. */
  | { readonly tag: "seal" }
  | { readonly tag: "event"; readonly event: RecordEvent };

interface Fields {
  readonly type: number;
  readonly slot?: number;
  readonly flags?: number;
  readonly count?: number;
  readonly bytes?: Uint8Array;
  readonly wordA?: number;
  readonly wordB?: number;
  readonly area?: number;
}

/** Encodes an entry in 32 bytes. `sequence` rises by one from entry to entry over the life of the board. */
export function encodeEntry(entry: RecordEntry, sequence: number): Uint8Array {
  const fields = entryFields(entry);
  const writer = new ByteWriter(ENTRY_SIZE);
  writer
    .u8(fields.type)
    .u8(fields.slot ?? 0)
    .u8(fields.flags ?? 0)
    .u8(fields.count ?? 0)
    .u32(sequence);
  writer
    .bytes(fields.bytes ?? NO_BYTES)
    .u32(fields.wordA ?? 0)
    .u32(fields.wordB ?? 0);
  writer.u8(fields.area ?? 0).u24(0);
  return writer.u32(crc32(writer.finish()) >>> 0).finish();
}

/** Decodes 32 bytes of flash; undefined when they are blank, torn, damaged or of an unknown type. */
export function decodeEntry(bytes: Uint8Array): { entry: RecordEntry; sequence: number } | undefined {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  const slot = reader.u8();
  const flags = reader.u8();
  const count = reader.u8();
  const sequence = reader.u32();
  const payload = reader.bytes(8).slice();
  const wordA = reader.u32();
  const wordB = reader.u32();
  const area = reader.u8();
  reader.u24();
  const crc = reader.u32();
  if (reader.failed || crc !== crc32(bytes.subarray(0, ENTRY_SIZE - 4)) >>> 0) return undefined;
  const entry = entryOf({ type, slot, flags, count, bytes: payload, wordA, wordB, area });
  // An entry that encodes to other bytes has a field that this version does not know, and is refused.
  if (entry === undefined || !equalBytes(encodeEntry(entry, sequence), bytes)) return undefined;
  return { entry, sequence };
}

function entryFields(entry: RecordEntry): Fields {
  switch (entry.tag) {
    case "header":
      return { type: EntryType.header, count: entry.count, bytes: MAGIC };
    case "seal":
      return { type: EntryType.seal };
    case "event":
      return eventFields(entry.event);
  }
}

function eventFields(event: RecordEvent): Fields {
  switch (event.tag) {
    case "installed":
      return { type: EntryType.installed, ...slotFields(event.slot), wordB: event.floor };
    case "slot":
      return { type: EntryType.slot, ...slotFields(event.slot), wordB: event.floor };
    case "receiving": {
      const { slot, digest8, area } = event.receiving;
      return { type: EntryType.receiving, slot, bytes: digest8, area };
    }
    case "sectors": {
      const { open, close } = event;
      const bytes = new ByteWriter(8)
        .u32(open?.first ?? NO_SECTOR)
        .u32(open?.last ?? NO_SECTOR)
        .finish();
      return {
        type: EntryType.sectors,
        bytes,
        wordA: close?.first ?? NO_SECTOR,
        wordB: close?.last ?? NO_SECTOR,
      };
    }
    case "floor":
      return { type: EntryType.floor, wordB: event.floor, count: event.wasConfirmed === true ? 1 : 0 };
    case "failed":
      return { type: EntryType.failed, bytes: event.failed.digest8, count: event.failed.count };
    case "order":
      return { type: EntryType.order, ...orderFields(event.order) };
  }
}

/** All zeros, which no image is below, for no order. */
function orderFields(order: RecordedOrder | undefined): Omit<Fields, "type"> {
  if (order === undefined) return {};
  const { sequence, version } = order;
  const { major, minor, patch } = version;
  const bytes = new ByteWriter(8)
    .u32(sequence % 2 ** 32)
    .u16(Math.floor(sequence / 2 ** 32))
    .u16(major)
    .finish();
  return { bytes, wordA: minor + patch * 2 ** 16 };
}

function orderOf(bytes: Uint8Array, wordA: number): RecordedOrder | undefined {
  const reader = new ByteReader(bytes);
  const low = reader.u32();
  const sequence = low + reader.u16() * 2 ** 32;
  const version = { major: reader.u16(), minor: wordA & 0xffff, patch: wordA >>> 16 };
  const isNone = sequence === 0 && version.major === 0 && wordA === 0;
  return isNone ? undefined : { sequence, version };
}

function slotFields(slot: SlotRecord): Omit<Fields, "type"> {
  const flags =
    (slot.isConfirmed ? FLAG_CONFIRMED : 0) |
    (slot.isReverted ? FLAG_REVERTED : 0) |
    (slot.isUnproven === true ? FLAG_UNPROVEN : 0);
  return {
    slot: slot.slot,
    flags,
    count: slot.attempts,
    bytes: slot.digest8,
    wordA: slot.rank,
    area: slot.area,
  };
}

function entryOf(fields: Required<Fields>): RecordEntry | undefined {
  if (fields.slot >= SLOTS || fields.area >= AREAS) return undefined;
  if (fields.type === EntryType.header) return { tag: "header", count: fields.count };
  if (fields.type === EntryType.seal) return { tag: "seal" };
  const event = eventOf(fields);
  return event === undefined ? undefined : { tag: "event", event };
}

function eventOf({
  type,
  slot,
  flags,
  count,
  bytes,
  wordA,
  wordB,
  area,
}: Required<Fields>): RecordEvent | undefined {
  const record: SlotRecord = {
    slot,
    digest8: bytes,
    area,
    isConfirmed: (flags & FLAG_CONFIRMED) !== 0,
    isReverted: (flags & FLAG_REVERTED) !== 0,
    attempts: count,
    rank: wordA,
    ...((flags & FLAG_UNPROVEN) === 0 ? {} : { isUnproven: true }),
  };
  // What is not confirmed is on trial, and has nothing else to prove.
  if (record.isUnproven === true && !record.isConfirmed) return undefined;
  switch (type) {
    case EntryType.installed:
      return { tag: "installed", slot: record, floor: wordB };
    case EntryType.slot:
      return { tag: "slot", slot: record, floor: wordB };
    case EntryType.receiving:
      return { tag: "receiving", receiving: { slot, digest8: bytes, area } };
    case EntryType.sectors: {
      const words = new ByteReader(bytes);
      return { tag: "sectors", open: rangeOf(words.u32(), words.u32()), close: rangeOf(wordA, wordB) };
    }
    case EntryType.floor:
      return { tag: "floor", floor: wordB, ...(count === 1 ? { wasConfirmed: true } : {}) };
    case EntryType.failed:
      return { tag: "failed", failed: { digest8: bytes, count } };
    case EntryType.order:
      return { tag: "order", order: orderOf(bytes, wordA) };
    default:
      return undefined;
  }
}

function rangeOf(first: number, last: number): SectorRange | undefined {
  return first <= last && last !== NO_SECTOR ? { first, last } : undefined;
}
