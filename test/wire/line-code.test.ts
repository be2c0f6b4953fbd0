import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { Codec, CRC_LENGTH, DATA_HEADER_LENGTH, DELIMITER, FRAME_MAX } from "../../src/wire/constants.ts";
import { encodePacket } from "../../src/wire/frame.ts";
import { delimitedCobs, type LineCode, RUN_MAX, wholeFrames } from "../../src/wire/line-code.ts";

const CODES: readonly (readonly [string, LineCode])[] = [
  ["COBS between delimiters", delimitedCobs],
  ["whole frames", wholeFrames],
];

/** The run that a splitter makes of a frame on the line: without delimiters. */
function runOf({ delimiter }: LineCode, line: Uint8Array): Uint8Array {
  if (delimiter === undefined) return line;
  return line.subarray(line[0] === delimiter ? 1 : 0, -1);
}

/** A frame without a zero, which COBS lengthens most. */
const ones = (length: number): Uint8Array => new Uint8Array(length).fill(1);

describe("COBS between delimiters", () => {
  it("stands between two delimiters, of which a frame that follows another one leaves out the first", () => {
    const frame = Uint8Array.of(5, 0, 6);
    expect([...delimitedCobs.encode(frame, false)]).toEqual([0, 2, 5, 2, 6, 0]);
    expect([...delimitedCobs.encode(frame, true)]).toEqual([2, 5, 2, 6, 0]);
  });

  it("costs a data frame of up to 254 bytes 10 bytes beside its payload", () => {
    expect(DATA_HEADER_LENGTH + CRC_LENGTH + delimitedCobs.overhead).toBe(10);
    const payload = ones(240);
    const packet = { tag: "data", packetNumber: 0x111, codec: Codec.raw, attempt: 0, position: 257 } as const;
    expect(delimitedCobs.encode(encodePacket({ ...packet, payload }, 7), true).length).toBe(250);
  });

  it("makes runs of up to RUN_MAX bytes of frames, the closing delimiter included", () => {
    expect(delimitedCobs.encode(ones(FRAME_MAX), true).length).toBe(RUN_MAX);
    expect(delimitedCobs.delimiter).toBe(DELIMITER);
  });
});

describe("whole frames", () => {
  it("are put on the line as they are", () => {
    const frame = Uint8Array.of(5, 0, 6);
    expect(wholeFrames.encode(frame, false)).toEqual(frame);
    expect(wholeFrames.encode(frame, true)).toEqual(frame);
    expect(wholeFrames.delimiter).toBeUndefined();
  });
});

describe.each(CODES)("the line code of %s", (_, code) => {
  property.prop([fc.uint8Array({ minLength: 1, maxLength: FRAME_MAX }), fc.boolean()])(
    "gives back each frame, in a run without delimiters that is no longer than its longest",
    (frame, isBackToBack) => {
      const line = code.encode(frame, isBackToBack);
      const run = runOf(code, line);
      expect(code.decode(run)).toEqual(frame);
      expect(run.length + (code.delimiter === undefined ? 0 : 1)).toBeLessThanOrEqual(code.runMax);
      if (code.delimiter !== undefined) expect(run.includes(code.delimiter)).toBe(false);
      if (frame[0] !== code.delimiter) expect(run[code.headAt]).toBe(frame[0]);
    },
  );

  property.prop([fc.uint8Array({ minLength: 1, maxLength: 254 })])(
    "costs a short frame no more than its overhead",
    (frame) => {
      expect(code.encode(frame, true).length - frame.length).toBeLessThanOrEqual(code.overhead);
    },
  );

  property.prop([fc.uint8Array({ maxLength: 600 })])("takes any run without throwing", (run) => {
    expect(code.decode(run)?.length ?? 0).toBeLessThanOrEqual(run.length);
  });
});
