import { describe, expect, it } from "vitest";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { HAVE_ENTRIES_MAX, WireLimit } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { encodeFrame, HAVE_VECTORS, SESSION_TAG } from "./wire-vectors.ts";

describe("what a rescuer says it has", () => {
  it.each(HAVE_VECTORS.frames)("is written as in the vector: $name", ({ frame, bytes, wire }) => {
    expect(encodeFrame(frame, SESSION_TAG)).toEqual(bytes);
    expect(encodeDelimited(bytes)).toEqual(wire);
  });

  it.each([...HAVE_VECTORS.frames, ...HAVE_VECTORS.decodeOnly])(
    "is read as in the vector: $name",
    (vector) => {
      expect(decodeFrame(vector.bytes, vector.tag)).toEqual(vector.frame);
      expect(decodeCobs(vector.wire.subarray(1, -1))).toEqual(vector.bytes);
    },
  );

  it.each(HAVE_VECTORS.faults)("is dropped when it is malformed: $name", ({ bytes, tag, fault }) => {
    expect(decodeFrame(bytes, tag)).toEqual(fault);
  });

  it("keeps within the limit of its class on the wire, with the most entries, too", () => {
    const entries = HAVE_VECTORS.frames.map(({ frame }) => (frame.tag === "have" ? frame.ranges.length : 0));
    expect(Math.max(...entries)).toBe(HAVE_ENTRIES_MAX);
    for (const { wire } of HAVE_VECTORS.frames) expect(wire.length).toBeLessThanOrEqual(WireLimit.control);
  });
});
