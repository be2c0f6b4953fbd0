import { FailedError } from "../base/errors.ts";
import { ENVELOPE_MAX } from "./cose.ts";
import { decodeEnvelope, type Envelope } from "./envelope.ts";
import { decodeImageHeader, fileCrc, IMAGE_HEADER_LENGTH, type ImageHeaderFault } from "./image-header.ts";

/** Most bytes before the data of an image file: its header and its manifest. */
export const IMAGE_HEAD_MAX: number = IMAGE_HEADER_LENGTH + ENVELOPE_MAX;

/** The head of an image file, without its data: what listings need. */
export interface ImageHead {
  readonly envelope: Envelope;
  /** Where the data begins, in bytes. */
  readonly dataOffset: number;
}

const HEADER_CODES: Readonly<Record<ImageHeaderFault["fault"], string>> = {
  magic: "image-foreign",
  crc: "image-header",
  format: "image-format",
  length: "image-header",
};

/**
 * Reads header and manifest from the first bytes of an image file, {@link IMAGE_HEAD_MAX} of them or all there are,
 * and compares its lengths. `name` is what errors call the file. FailedError, for a file that is damaged or not an
 * image file: `image-foreign`, `image-header`, `image-format`, `image-truncated`, `image-trailing`, `image-manifest`.
 */
export function parseImageHead(start: Uint8Array, fileSize: number, name: string): ImageHead {
  const fail = (code: string, seen: string): FailedError =>
    new FailedError(code, `${name}: ${seen}`, { path: name });
  const header = decodeImageHeader(start.subarray(0, IMAGE_HEADER_LENGTH));
  if ("tag" in header) throw fail(HEADER_CODES[header.fault], header.detail);
  const dataOffset = IMAGE_HEADER_LENGTH + header.envelopeLength;
  const expected = dataOffset + header.dataLength;
  if (fileSize < expected) {
    throw fail("image-truncated", `has ${fileSize} bytes of ${expected}: it was cut off; copy it again`);
  }
  if (fileSize > expected) {
    throw fail("image-trailing", `${fileSize - expected} bytes too many after the image; copy it again`);
  }
  const bytes = start.subarray(IMAGE_HEADER_LENGTH, dataOffset);
  if (fileCrc(bytes) !== header.envelopeCrc) throw fail("image-manifest", "its manifest is damaged (CRC-32)");
  const envelope = decodeEnvelope(bytes);
  if (envelope.tag === "fault") throw fail("image-manifest", `its manifest is not valid: ${envelope.detail}`);
  if (envelope.manifest.size !== header.dataLength) {
    const { size } = envelope.manifest;
    throw fail("image-manifest", `holds ${header.dataLength} bytes, its manifest says ${size}`);
  }
  return { envelope, dataOffset };
}
