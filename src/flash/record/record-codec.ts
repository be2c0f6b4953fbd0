import crc32 from "crc/calculators/crc32";
import { ByteReader, ByteWriter, concatBytes, equalBytes } from "../../base/bytes.ts";
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
  digest: 0x18,
  nonces: 0x19,
} as const;

const FLAG_CONFIRMED = 0x01;
const FLAG_REVERTED = 0x02;
const FLAG_UNPROVEN = 0x04;
const MAGIC = Uint8Array.of(0x4d, 0x44, 0x42, 0x52, 0x45, 0x43, RECORD_VERSION, 0x00); // "MDBREC", version
const NO_SECTOR = 0xffff_ffff;
const NO_BYTES = new Uint8Array(8);
const NO_MORE = new Uint8Array(4);
const SLOTS = 2;
const AREAS = 3;
/** Bytes of a digest in the entry that it belongs to: 8 at offset 8, 4 at offset 24. The digest entry has the rest. */
const DIGEST_HEAD = 12;

/** An entry of the journal. */
export type RecordEntry =
  /** First in a sector, programmed last: the `count` entries after it are a complete snapshot. */
  | { readonly tag: "header"; readonly count: number }
  /** Programmed after the header was complete. */
  | { readonly tag: "seal" }
  /** The last 20 bytes of the digest of the event that follows. Without effect alone. */
  | { readonly tag: "digest"; readonly rest: Uint8Array }
  | { readonly tag: "event"; readonly event: RecordEvent };

/** An entry as it was read, with its sequence number, a u32 that wraps. */
export interface DecodedEntry {
  readonly entry: RecordEntry;
  readonly sequence: number;
}

interface Fields {
  readonly type: number;
  readonly slot?: number;
  readonly flags?: number;
  readonly count?: number;
  readonly bytes?: Uint8Array;
  readonly wordA?: number;
  readonly wordB?: number;
  readonly area?: number;
  readonly more?: Uint8Array;
}

/** The entries of an event, to be programmed one behind the other: two where the event names an image. */
export function entriesOf(event: RecordEvent): readonly RecordEntry[] {
  const digest = digestOf(event);
  const entry = { tag: "event", event } as const;
  return digest === undefined ? [entry] : [{ tag: "digest", rest: digest.slice(DIGEST_HEAD) }, entry];
}

/** Encodes an entry in 32 bytes. `sequence` rises by one from entry to entry over the life of the board, and wraps. */
export function encodeEntry(entry: RecordEntry, sequence: number): Uint8Array {
  const fields = entryFields(entry);
  const writer = new ByteWriter(ENTRY_SIZE);
  writer
    .u8(fields.type)
    .u8((fields.slot ?? 0) + 16 * (fields.area ?? 0))
    .u8(fields.flags ?? 0)
    .u8(fields.count ?? 0)
    .u32(sequence);
  writer
    .bytes(fields.bytes ?? NO_BYTES)
    .u32(fields.wordA ?? 0)
    .u32(fields.wordB ?? 0);
  writer.bytes(fields.more ?? NO_MORE);
  return writer.u32(crc32(writer.finish()) >>> 0).finish();
}

/**
 * Decodes 32 bytes of flash; undefined when they are blank, torn, damaged or of an unknown type. `before` is the entry
 * directly before it in its sector: an event that names an image is only right behind the rest of its digest.
 */
export function decodeEntry(bytes: Uint8Array, before?: DecodedEntry): DecodedEntry | undefined {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  const place = reader.u8();
  const flags = reader.u8();
  const count = reader.u8();
  const sequence = reader.u32();
  const payload = reader.bytes(8).slice();
  const wordA = reader.u32();
  const wordB = reader.u32();
  const more = reader.bytes(4).slice();
  const crc = reader.u32();
  if (reader.failed || crc !== crc32(bytes.subarray(0, ENTRY_SIZE - 4)) >>> 0) return undefined;
  if (type === EntryType.digest) return decodeRest(bytes, sequence);
  const follows = before !== undefined && (before.sequence + 1) >>> 0 === sequence;
  const rest = follows && before.entry.tag === "digest" ? before.entry.rest : undefined;
  const slot = place & 0x0f;
  const area = place >> 4;
  const entry = entryOf({ type, slot, flags, count, bytes: payload, wordA, wordB, area, more, rest });
  // An entry that encodes to other bytes has a field that this version does not know, and is refused.
  if (entry === undefined || !equalBytes(encodeEntry(entry, sequence), bytes)) return undefined;
  return { entry, sequence };
}

function decodeRest(bytes: Uint8Array, sequence: number): DecodedEntry | undefined {
  const entry = { tag: "digest", rest: bytes.slice(8, ENTRY_SIZE - 4) } as const;
  return equalBytes(encodeEntry(entry, sequence), bytes) ? { entry, sequence } : undefined;
}

function digestOf(event: RecordEvent): Uint8Array | undefined {
  if (event.tag === "receiving") return event.receiving.digest;
  return event.tag === "installed" || event.tag === "slot" ? event.slot.digest : undefined;
}

function entryFields(entry: RecordEntry): Fields {
  switch (entry.tag) {
    case "header":
      return { type: EntryType.header, count: entry.count, bytes: MAGIC };
    case "seal":
      return { type: EntryType.seal };
    case "digest": {
      const words = new ByteReader(entry.rest);
      const fields = { bytes: words.bytes(8), wordA: words.u32(), wordB: words.u32(), more: words.bytes(4) };
      return { type: EntryType.digest, ...fields };
    }
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
      const { slot, digest, area } = event.receiving;
      return { type: EntryType.receiving, slot, area, ...headOf(digest) };
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
      return { type: EntryType.failed, bytes: event.failed.adviceDigest8, count: event.failed.count };
    case "order":
      return { type: EntryType.order, ...orderFields(event.order) };
    case "nonces":
      return { type: EntryType.nonces, wordA: event.starts };
  }
}

/** What the entry of an event itself holds of a digest. */
function headOf(digest: Uint8Array): Pick<Fields, "bytes" | "more"> {
  return { bytes: digest.subarray(0, 8), more: digest.subarray(8, DIGEST_HEAD) };
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
    wordA: slot.rank,
    area: slot.area,
    ...headOf(slot.digest),
  };
}

/** The fields of an entry, and the rest of its digest if it stands directly before it. */
type Found = Required<Fields> & { readonly rest: Uint8Array | undefined };

function entryOf(fields: Found): RecordEntry | undefined {
  if (fields.slot >= SLOTS || fields.area >= AREAS) return undefined;
  if (fields.type === EntryType.header) return { tag: "header", count: fields.count };
  if (fields.type === EntryType.seal) return { tag: "seal" };
  const event = eventOf(fields);
  return event === undefined ? undefined : { tag: "event", event };
}

function eventOf(fields: Found): RecordEvent | undefined {
  const { type, slot, count, bytes, wordA, wordB, area } = fields;
  switch (type) {
    case EntryType.installed:
    case EntryType.slot: {
      const record = slotOf(fields);
      if (record === undefined) return undefined;
      return { tag: type === EntryType.slot ? "slot" : "installed", slot: record, floor: wordB };
    }
    case EntryType.receiving: {
      const digest = wholeDigest(fields);
      return digest && { tag: "receiving", receiving: { slot, digest, area } };
    }
    case EntryType.sectors: {
      const words = new ByteReader(bytes);
      return { tag: "sectors", open: rangeOf(words.u32(), words.u32()), close: rangeOf(wordA, wordB) };
    }
    case EntryType.floor:
      return { tag: "floor", floor: wordB, ...(count === 1 ? { wasConfirmed: true } : {}) };
    case EntryType.failed:
      return { tag: "failed", failed: { adviceDigest8: bytes, count } };
    case EntryType.order:
      return { tag: "order", order: orderOf(bytes, wordA) };
    case EntryType.nonces:
      return { tag: "nonces", starts: wordA };
    default:
      return undefined;
  }
}

function slotOf(fields: Found): SlotRecord | undefined {
  const { slot, flags, count, wordA, area } = fields;
  const digest = wholeDigest(fields);
  if (digest === undefined) return undefined;
  const record: SlotRecord = {
    slot,
    digest,
    area,
    isConfirmed: (flags & FLAG_CONFIRMED) !== 0,
    isReverted: (flags & FLAG_REVERTED) !== 0,
    attempts: count,
    rank: wordA,
    ...((flags & FLAG_UNPROVEN) === 0 ? {} : { isUnproven: true }),
  };
  // What is not confirmed is on trial, and has nothing else to prove.
  return record.isUnproven === true && !record.isConfirmed ? undefined : record;
}

function wholeDigest({ bytes, more, rest }: Found): Uint8Array | undefined {
  return rest && concatBytes(bytes, more, rest);
}

function rangeOf(first: number, last: number): SectorRange | undefined {
  return first <= last && last !== NO_SECTOR ? { first, last } : undefined;
}
