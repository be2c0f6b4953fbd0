import { describe, expect, it } from "vitest";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { WireLimit } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { isRescuerControl, isTargetControl } from "../../src/wire/message-codec.ts";
import type { Message } from "../../src/wire/messages.ts";
import {
  encodeFrame,
  RATE_DECODE_ONLY_VECTORS,
  RATE_FAULT_VECTORS,
  RATE_VECTORS,
  SESSION_TAG,
} from "./wire-vectors.ts";

describe("the messages about the rate of the line", () => {
  it.each(RATE_VECTORS)("are written as in the vector: $name", ({ frame, bytes, wire }) => {
    expect(encodeFrame(frame, SESSION_TAG)).toEqual(bytes);
    expect(encodeDelimited(bytes)).toEqual(wire);
  });

  it.each([...RATE_VECTORS, ...RATE_DECODE_ONLY_VECTORS])("are read as in the vector: $name", (vector) => {
    expect(decodeFrame(vector.bytes, vector.tag)).toEqual(vector.frame);
    expect(decodeCobs(vector.wire.subarray(1, -1))).toEqual(vector.bytes);
  });

  it.each(RATE_FAULT_VECTORS)("are dropped when they are malformed: $name", ({ bytes, tag, fault }) => {
    expect(decodeFrame(bytes, tag)).toEqual(fault);
  });

  it("keep within the limits of their classes on the wire", () => {
    for (const { frame, wire } of RATE_VECTORS) {
      const isControl = isTargetControl(frame as Message) || isRescuerControl(frame as Message);
      expect(wire.length).toBeLessThanOrEqual(isControl ? WireLimit.control : WireLimit.announcement);
    }
  });
});
