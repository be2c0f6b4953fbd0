import { assert } from "../../base/assert.ts";
import {
  CODEWORD_MAX,
  CONTENT_MAX,
  CONTENT_MIN,
  CONTENT_STEP,
  MENDABLE_MAX,
  SYNC_LENGTH,
  SYNC_MARKER,
  SYNC_TOLERANCE,
} from "../constants.ts";
import { bitCount, golayDecode, golayEncode } from "./golay.ts";
import { writeParity } from "./reed-solomon.ts";

/** Longest frame, header to CRC, that fits the second form, in bytes: one byte of padding stays. */
export const CODED_FRAME_MAX: number = CONTENT_MAX - 1;

/** How the codewords of a frame lie on the line (PROTOCOL.md 2.5). */
export interface CodedLayout {
  /** Wrong bytes that each codeword can have: t, 1 to 16. */
  readonly mendable: number;
  /** Bytes in the codewords, without parity. */
  readonly contentLength: number;
}

/** The layout of a frame of so many bytes, at most {@link CODED_FRAME_MAX}. */
export function layoutFor(frameLength: number, mendable: number): CodedLayout {
  assert(frameLength <= CODED_FRAME_MAX, `frame of ${frameLength} bytes`);
  assert(mendable >= 1 && mendable <= MENDABLE_MAX, `t ${mendable}`);
  const steps = Math.max(0, Math.ceil((frameLength + 1 - CONTENT_MIN) / CONTENT_STEP));
  return { mendable, contentLength: CONTENT_MIN + CONTENT_STEP * steps };
}

/** Number of codewords: as few as hold the content. */
export function codewordCount({ mendable, contentLength }: CodedLayout): number {
  return Math.ceil(contentLength / (CODEWORD_MAX - 2 * mendable));
}

/** Bytes of content in codeword `index`: equal parts, the first ones a byte longer where that does not come out even. */
export function partLength(layout: CodedLayout, index: number): number {
  const count = codewordCount(layout);
  return Math.floor(layout.contentLength / count) + (index < layout.contentLength % count ? 1 : 0);
}

/** Bytes that a frame with this layout takes on the line. */
export function codedLength(layout: CodedLayout): number {
  return SYNC_LENGTH + layout.contentLength + 2 * layout.mendable * codewordCount(layout);
}

/** The layout of a frame that takes so many bytes on the line. */
export function layoutOn(wireBytes: number, mendable: number): CodedLayout {
  const coded = wireBytes - SYNC_LENGTH;
  return { mendable, contentLength: coded - 2 * mendable * Math.ceil(coded / CODEWORD_MAX) };
}

/** A frame in the second form, ready for a byte stream: sync word and codewords (PROTOCOL.md 2.5). */
export function encodeCodedFrame(frame: Uint8Array, mendable: number): Uint8Array {
  const layout = layoutFor(frame.length, mendable);
  const out = new Uint8Array(codedLength(layout));
  writeSync(out, layout);
  const content = new Uint8Array(layout.contentLength).fill(layout.contentLength - frame.length);
  content.set(frame);
  let from = 0;
  let at = SYNC_LENGTH;
  for (let i = 0; i < codewordCount(layout); i++) {
    const part = content.subarray(from, from + partLength(layout, i));
    out.set(part, at);
    writeParity(part, out.subarray(at + part.length, at + part.length + 2 * mendable));
    from += part.length;
    at += part.length + 2 * mendable;
  }
  return out;
}

function writeSync(out: Uint8Array, { mendable, contentLength }: CodedLayout): void {
  const steps = (contentLength - CONTENT_MIN) / CONTENT_STEP;
  const name = golayEncode(((mendable - 1) << 8) | steps);
  const view = new DataView(out.buffer);
  view.setUint32(0, SYNC_MARKER);
  view.setUint16(4, name >>> 8);
  view.setUint8(6, name & 0xff);
}

/** What the 24 bits behind the marker name; undefined when they name nothing. */
export function readLayout(name: number): CodedLayout | undefined {
  const data = golayDecode(name);
  if (data === undefined) return undefined;
  return { mendable: (data >>> 8) + 1, contentLength: CONTENT_MIN + CONTENT_STEP * (data & 0xff) };
}

/** The frame in mended content; undefined when its padding is wrong. A view. */
export function frameIn(content: Uint8Array): Uint8Array | undefined {
  const padding = content.at(-1) ?? 0;
  if (padding < 1 || padding > CONTENT_STEP) return undefined;
  const length = content.length - padding;
  return content.subarray(length).every((byte) => byte === padding) ? content.subarray(0, length) : undefined;
}

/** Whether four bytes, as a number, high byte first, are the marker with few enough wrong bits. */
export function isMarker(window: number): boolean {
  return bitCount(window ^ SYNC_MARKER) <= SYNC_TOLERANCE;
}

/**
 * Whether a marker stands in these bytes. A frame in COBS that holds one is not sent so to who hunts for the second form, as
 * it might be taken for a frame of that (PROTOCOL.md 2.5).
 */
export function holdsMarker(bytes: Uint8Array): boolean {
  let window = 0;
  for (let i = 0; i < bytes.length; i++) {
    window = (window << 8) | (bytes[i] as number);
    if (i >= 3 && isMarker(window)) return true;
  }
  return false;
}
