import { cobsLengthMax, decodeCobs, encodeDelimited } from "./cobs.ts";
import { DELIMITER, FRAME_MAX } from "./constants.ts";

/**
 * How frames are written on a line and read back (PROTOCOL.md 2). A run is what the line gives between two delimiters,
 * without these; where a code has no delimiter it is one message of the link.
 */
export interface LineCode {
  /** The byte that ends each run; undefined where the link delivers runs whole and nothing stands between them. */
  readonly delimiter: number | undefined;
  /** Bytes that a frame of up to 254 bytes costs beyond its own, when it directly follows another one. */
  readonly overhead: number;
  /** Longest run that can be a frame, its closing delimiter included, in bytes. */
  readonly runMax: number;
  /** Index in a run at which a frame's first byte stands, if that is not a delimiter. */
  readonly headAt: number;
  /**
   * The bytes to put on the line. `isBackToBack`: the last frame is still on the line, and the delimiter that ends it
   * serves this frame too.
   */
  encode(frame: Uint8Array, isBackToBack: boolean): Uint8Array;
  /** The bytes of the frame in a run; undefined when the run is not laid out as a frame. Checks no CRC; never throws. */
  decode(run: Uint8Array): Uint8Array | undefined;
}

/** `00 COBS(frame) 00`, for byte streams (PROTOCOL.md 2.1). */
export const delimitedCobs: LineCode = {
  delimiter: DELIMITER,
  overhead: 2,
  runMax: cobsLengthMax(FRAME_MAX) + 1,
  headAt: 1,
  encode: (frame, isBackToBack) => encodeDelimited(frame).subarray(isBackToBack ? 1 : 0),
  decode: decodeCobs,
};

/** Frames as they are, for links that carry messages (PROTOCOL.md 10). Their overhead is the two bytes of a length. */
export const wholeFrames: LineCode = {
  delimiter: undefined,
  overhead: 2,
  runMax: FRAME_MAX,
  headAt: 0,
  encode: (frame) => frame,
  decode: (run) => run,
};

/** Longest run between delimiters that can be a frame, its closing delimiter included (PROTOCOL.md 2.2). */
export const RUN_MAX: number = delimitedCobs.runMax;
