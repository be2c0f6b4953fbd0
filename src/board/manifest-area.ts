import crc32 from "crc/calculators/crc32";
import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts";
import { padToUnits, type Region, roundUp } from "../flash/geometry.ts";
import type { Flash } from "../flash/nor-flash.ts";
import { ENVELOPE_MAX } from "../image/cose.ts";
import type { BoardParts } from "./board-parts.ts";

/** "MDMF", little-endian. PROTOCOL.md "Manifest areas". */
const MAGIC = 0x464d444d;
const FORMAT = 1;
const HEADER_SIZE = 16;

/** Manifest areas lie in sectors of their own or in those of the record: the map says which. */
type AreaParts = Pick<BoardParts, "flash" | "record">;

/**
 * Stores an envelope in a manifest area: the envelope first, the header last, so that a header means it is complete.
 * RangeError when there is no such area.
 */
export function writeManifest(parts: AreaParts, area: number, envelope: Uint8Array): void {
  const { flash } = parts;
  const offset = eraseArea(parts, area);
  flash.program(offset + headerSpan(flash), padToUnits(flash.map, envelope));
  const head = new ByteWriter(HEADER_SIZE).u32(MAGIC).u16(FORMAT).u16(envelope.length).finish();
  const crc = crc32(concatBytes(head, envelope)) >>> 0;
  const header = new ByteWriter(HEADER_SIZE).bytes(head).u32(crc).u32(0xffff_ffff).finish();
  flash.program(offset, padToUnits(flash.map, header));
}

/** The envelope in a manifest area; undefined when there is none or it is damaged. Does not check trust. */
export function readManifest(parts: AreaParts, area: number): Uint8Array | undefined {
  const { flash } = parts;
  const region = manifestRegion(parts, area);
  if (region === undefined) return undefined;
  const span = headerSpan(flash);
  const reader = new ByteReader(flash.read(region.offset, span + ENVELOPE_MAX));
  const head = reader.bytes(8);
  const fields = new ByteReader(head);
  const isKnown = fields.u32() === MAGIC && fields.u16() === FORMAT;
  const length = fields.u16();
  const crc = reader.u32();
  reader.bytes(span - 12);
  if (!isKnown || length > ENVELOPE_MAX) return undefined;
  const envelope = reader.bytes(length);
  return crc === crc32(concatBytes(head, envelope)) >>> 0 ? envelope : undefined;
}

/** Where the manifest of an area lies now: its own sector, or its place in the record's. Undefined when nowhere. */
export function manifestRegion({ flash, record }: AreaParts, area: number): Region | undefined {
  const { manifests, areaCount } = flash.map;
  if (area >= areaCount) return undefined;
  return manifests.length > 0 ? manifests[area] : record.placeOf(area);
}

/** The sector of an area that has one of its own; undefined where manifests lie in the record's. */
export function areaSector({ map }: Flash, area: number): number | undefined {
  const region = map.manifests[area];
  return region && map.sectors.at(region.offset);
}

/** Makes an area blank, and returns its start. */
function eraseArea({ flash, record }: AreaParts, area: number): number {
  const region = flash.map.manifests[area];
  if (region === undefined) return record.blankPlace(area).offset;
  flash.erase(flash.map.sectors.at(region.offset));
  return region.offset;
}

/** Bytes from the start of the header to the envelope, in whole write units: each is programmed only once. */
function headerSpan(flash: Flash): number {
  return roundUp(HEADER_SIZE, flash.map.writeSize);
}
