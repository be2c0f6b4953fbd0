import crc32 from "crc/calculators/crc32";
import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts";
import { padToUnits, roundUp } from "../flash/geometry.ts";
import type { Flash } from "../flash/nor-flash.ts";
import { ENVELOPE_MAX } from "../image/cose.ts";

/** "MDMF", little-endian. PROTOCOL.md "Manifest areas". */
const MAGIC = 0x464d444d;
const FORMAT = 1;
const HEADER_SIZE = 16;

/**
 * Stores an envelope in a manifest area: the envelope first, the header last, so that a header means it is complete.
 */
export function writeManifest(flash: Flash, area: number, envelope: Uint8Array): void {
  const offset = areaOffset(flash, area);
  flash.erase(offset / flash.map.sectorSize);
  flash.program(offset + headerSpan(flash), padToUnits(flash.map, envelope));
  const head = new ByteWriter(HEADER_SIZE).u32(MAGIC).u16(FORMAT).u16(envelope.length).finish();
  const crc = crc32(concatBytes(head, envelope)) >>> 0;
  const header = new ByteWriter(HEADER_SIZE).bytes(head).u32(crc).u32(0xffff_ffff).finish();
  flash.program(offset, padToUnits(flash.map, header));
}

/** The envelope in a manifest area; undefined when there is none or it is damaged. Does not check trust. */
export function readManifest(flash: Flash, area: number): Uint8Array | undefined {
  const span = headerSpan(flash);
  const reader = new ByteReader(flash.read(areaOffset(flash, area), span + ENVELOPE_MAX));
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

/** Bytes from the start of the header to the envelope, in whole write units: each is programmed only once. */
function headerSpan(flash: Flash): number {
  return roundUp(HEADER_SIZE, flash.map.writeSize);
}

/** Where an area begins. RangeError when there is none of that number. */
export function areaOffset(flash: Flash, area: number): number {
  const region = flash.map.manifests[area];
  if (region === undefined) throw new RangeError(`no manifest area ${area}`);
  return region.offset;
}
