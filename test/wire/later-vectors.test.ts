import { describe, expect, it } from "vitest";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { WireLimit } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { isRescuerControl, isTargetControl } from "../../src/wire/message-codec.ts";
import { type Frame, isMessage } from "../../src/wire/messages.ts";
import { encodeFrame, INLINE_VECTORS, LOCATOR_VECTORS, RATE_VECTORS, SESSION_TAG } from "./wire-vectors.ts";

/** The longest that a frame of this kind may be on the wire. */
function limitOf(frame: Frame): number {
  if (!isMessage(frame)) return Number.POSITIVE_INFINITY;
  return isTargetControl(frame) || isRescuerControl(frame) ? WireLimit.control : WireLimit.announcement;
}

describe.each([
  ["the rate of the line", RATE_VECTORS],
  ["images behind an offer", INLINE_VECTORS],
  ["where an image lies", LOCATOR_VECTORS],
])("the messages about %s", (_, { frames, decodeOnly, faults }) => {
  it.each(frames)("are written as in the vector: $name", ({ frame, bytes, wire }) => {
    expect(encodeFrame(frame, SESSION_TAG)).toEqual(bytes);
    expect(encodeDelimited(bytes)).toEqual(wire);
  });

  it.each([...frames, ...decodeOnly])("are read as in the vector: $name", (vector) => {
    expect(decodeFrame(vector.bytes, vector.tag)).toEqual(vector.frame);
    expect(decodeCobs(vector.wire.subarray(1, -1))).toEqual(vector.bytes);
  });

  it.each(faults)("are dropped when they are malformed: $name", ({ bytes, tag, fault }) => {
    expect(decodeFrame(bytes, tag)).toEqual(fault);
  });

  it("keep within the limits of their classes on the wire", () => {
    for (const { frame, wire } of frames) expect(wire.length).toBeLessThanOrEqual(limitOf(frame));
  });
});
