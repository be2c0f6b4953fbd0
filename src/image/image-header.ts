import crc32 from "crc/calculators/crc32";
import { ByteReader, ByteWriter, equalBytes } from "../base/bytes.ts";
import { ENVELOPE_MAX, ENVELOPE_MIN } from "./cose.ts";

/** "MAYDAY" CR LF: a transfer in text mode changes the line end, which shows (PROTOCOL.md section 9.1). */
const MAGIC: Uint8Array = Uint8Array.of(0x4d, 0x41, 0x59, 0x44, 0x41, 0x59, 0x0d, 0x0a);

/** Format of image files that this version writes, and the only one it reads. */
export const IMAGE_FILE_FORMAT = 1;
/**
 * Bytes of the header: magic 8, format 2, envelope length 2, data length 4, CRC-32 of the envelope 4, of the header
 * 4.
 */
export const IMAGE_HEADER_LENGTH = 24;
const CRC_OFFSET = 20;

/** Lengths of the two parts after the header, in bytes, and the CRC-32 of the first. */
export interface ImageHeader {
  readonly envelopeLength: number;
  readonly dataLength: number;
  /** CRC-32 of the envelope: tells damage from forgery, also without a key. */
  readonly envelopeCrc: number;
}

export interface ImageHeaderFault {
  readonly tag: "fault";
  readonly fault: "magic" | "crc" | "format" | "length";
  readonly detail: string;
}

/** CRC-32 (IEEE 802.3) of some bytes. */
export function fileCrc(bytes: Uint8Array): number {
  return crc32(bytes) >>> 0;
}

/** The 24 bytes that begin an image file with this envelope and `dataLength` bytes of image. */
export function encodeImageHeader(envelope: Uint8Array, dataLength: number): Uint8Array {
  const out = new ByteWriter(IMAGE_HEADER_LENGTH).bytes(MAGIC).u16(IMAGE_FILE_FORMAT);
  out.u16(envelope.length).u32(dataLength).u32(fileCrc(envelope));
  return out.u32(fileCrc(out.finish())).finish();
}

/** Reads the first 24 bytes of an image file. Never throws. */
export function decodeImageHeader(bytes: Uint8Array): ImageHeader | ImageHeaderFault {
  const reader = new ByteReader(bytes);
  const magic = reader.bytes(MAGIC.length);
  const format = reader.u16();
  const envelopeLength = reader.u16();
  const dataLength = reader.u32();
  const envelopeCrc = reader.u32();
  const crc = reader.u32();
  if (reader.failed || !equalBytes(magic, MAGIC)) return fault("magic", "it is not an image file");
  // Before the format: a damaged format number is damage, not another format.
  if (crc !== fileCrc(bytes.subarray(0, CRC_OFFSET))) return fault("crc", "its header is damaged (CRC-32)");
  if (format !== IMAGE_FILE_FORMAT) {
    return fault(
      "format",
      `it has image file format ${format}; this version reads format ${IMAGE_FILE_FORMAT}`,
    );
  }
  if (envelopeLength < ENVELOPE_MIN || envelopeLength > ENVELOPE_MAX || dataLength === 0) {
    return fault("length", `its header names ${envelopeLength} bytes of manifest and ${dataLength} of image`);
  }
  return { envelopeLength, dataLength, envelopeCrc };
}

function fault(name: ImageHeaderFault["fault"], detail: string): ImageHeaderFault {
  return { tag: "fault", fault: name, detail };
}
