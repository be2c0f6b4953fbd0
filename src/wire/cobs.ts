import { DELIMITER } from "./constants.ts";

/** Most bytes without a zero that one COBS code byte covers. */
const STRETCH_MAX = 254;

/** Most bytes that `length` bytes take after COBS, without delimiters. */
export function cobsLengthMax(length: number): number {
  return length + Math.floor(length / STRETCH_MAX) + 1;
}

/**
 * Consistent Overhead Byte Stuffing (Cheshire and Baker 1999; PROTOCOL.md 2.1) between two delimiters:
 * `00 COBS(frame) 00`, ready for a byte stream. No code byte follows a full last stretch of 254 bytes.
 */
export function encodeDelimited(frame: Uint8Array): Uint8Array {
  const out = new Uint8Array(cobsLengthMax(frame.length) + 2);
  let codeAt = 1;
  let at = 2;
  let code = 1;
  for (let i = 0; i < frame.length; i++) {
    const byte = frame[i] as number;
    if (byte !== 0) {
      out[at++] = byte;
      code++;
    }
    if (byte === 0 || (code === STRETCH_MAX + 1 && i + 1 < frame.length)) {
      out[codeAt] = code;
      codeAt = at++;
      code = 1;
    }
  }
  out[codeAt] = code;
  out[at++] = DELIMITER;
  return out.subarray(0, at);
}

/**
 * Decodes COBS in a run without delimiters. Undefined when the run contains a zero, or a code byte that points past the
 * end: noise, or a frame that lost bytes.
 */
export function decodeCobs(run: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(run.length);
  let at = 0;
  let i = 0;
  while (i < run.length) {
    const code = run[i++] as number;
    const end = i + code - 1;
    if (code === 0 || end > run.length) return undefined;
    while (i < end) {
      const byte = run[i++] as number;
      if (byte === 0) return undefined;
      out[at++] = byte;
    }
    if (code <= STRETCH_MAX && i < run.length) out[at++] = 0;
  }
  return out.subarray(0, at);
}
