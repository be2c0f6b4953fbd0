import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import {
  AnnounceType,
  CRC_LENGTH,
  FRAME_MIN,
  PROTOCOL_VERSION,
  RescuerControlType,
  TargetControlType,
} from "../../src/wire/constants.ts";
import { crcMatches, decodeFrame, isSessionFrame } from "../../src/wire/frame.ts";
import { extensionsAreAcceptable } from "../../src/wire/tlv.ts";
import { withCrc } from "../support/with-crc.ts";
import { FRAME_VECTORS, SESSION_TAG } from "./wire-vectors.ts";

const MALFORMED = { tag: "fault", fault: "malformed" };
const UNKNOWN = { tag: "fault", fault: "unknown" };
const BAD_CRC = { tag: "fault", fault: "badCrc" };

/** A vector's bytes without its CRC. */
const coveredOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -CRC_LENGTH);
/** Vectors short enough to try every one of their bytes; the longest frame is tried bit by bit all the same. */
const short = FRAME_VECTORS.filter(({ bytes }) => bytes.length < 100);
const messages = short.filter(({ frame }) => !["data", "object", "probe"].includes(frame.tag));

describe("damaged frames", () => {
  it.each(FRAME_VECTORS)("every single bit flipped is a fault: $name", ({ bytes }) => {
    const damaged = bytes.slice();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const mask = 1 << (bit & 7);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ mask;
      if (decodeFrame(damaged, SESSION_TAG).tag !== "fault") expect.fail(`bit ${bit} is not covered`);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ mask;
    }
  });

  it.each(FRAME_VECTORS)("every truncation is a fault: $name", ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const head = decodeFrame(bytes.subarray(0, length), SESSION_TAG);
      expect(head).toEqual(length < FRAME_MIN ? { tag: "fault", fault: "tooShort" } : BAD_CRC);
      expect(decodeFrame(bytes.subarray(bytes.length - length), SESSION_TAG).tag).toBe("fault");
    }
  });

  it.each(messages)("every truncation sealed again is malformed: $name", ({ bytes, tag, fieldLengths }) => {
    const covered = coveredOf(bytes);
    const headLength = tag === undefined ? 2 : 1;
    expect(fieldLengths.reduce((sum, length) => sum + length, 0)).toBe(bytes.length);
    for (let length = headLength; length < covered.length; length++) {
      expect(decodeFrame(withCrc(covered.subarray(0, length), tag), SESSION_TAG)).toEqual(MALFORMED);
    }
  });

  it.each(short)("a frame of another session, or of none, is a fault: $name", ({ bytes, tag, frame }) => {
    const expected = tag === undefined ? frame : BAD_CRC;
    expect(decodeFrame(bytes, SESSION_TAG ^ 0x8000_0000)).toEqual(expected);
    expect(decodeFrame(bytes, undefined)).toEqual(expected);
  });
});

describe("checksums", () => {
  it("of a session frame hold in no session at all, also without any seed", () => {
    for (const { bytes, tag } of short.filter((vector) => vector.tag !== undefined)) {
      const untagged = withCrc(coveredOf(bytes), undefined);
      expect(decodeFrame(untagged, undefined)).toEqual(BAD_CRC);
      expect(decodeFrame(untagged, tag)).toEqual(BAD_CRC);
    }
  });

  it("are not looked for in what is too short for one", () => {
    for (let length = 0; length < FRAME_MIN; length++) {
      // The CRC-32 of nothing is 0: four zeros would pass, and fewer are read as zero.
      expect(crcMatches(new Uint8Array(length), undefined)).toBe(false);
    }
    expect(isSessionFrame(new Uint8Array(0))).toBe(false);
  });
});

describe("frames that this version does not know", () => {
  it("tells which version an announcement is of, whatever its type and body", () => {
    for (let version = 0; version < 16; version++) {
      const bytes = withCrc(Uint8Array.of(version << 4, 0xee, 1, 2, 3), undefined);
      const foreign = { tag: "fault", fault: "foreignVersion", version };
      expect(decodeFrame(bytes, undefined)).toEqual(version === PROTOCOL_VERSION ? UNKNOWN : foreign);
    }
  });

  it("tells apart every unknown class, announcement and control type, at any length", () => {
    const known = new Set<number>(Object.values(AnnounceType));
    for (let type = 0; type < 256; type++) {
      if (known.has(type)) continue;
      const bytes = withCrc(
        concatBytes(Uint8Array.of(PROTOCOL_VERSION << 4, type), new Uint8Array(60)),
        undefined,
      );
      expect(decodeFrame(bytes, undefined)).toEqual(UNKNOWN);
    }
    const kinds: readonly [number, readonly number[]][] = [
      [0x1, Object.values(TargetControlType)],
      [0x2, Object.values(RescuerControlType)],
      [0x5, []],
      [0x6, []],
      [0x7, []],
    ];
    for (const [frameClass, given] of kinds) {
      for (let high = 0; high < 16; high++) {
        if (given.includes(high)) continue;
        for (const length of [0, 1, 8, 17]) {
          const covered = concatBytes(Uint8Array.of(frameClass | (high << 4)), new Uint8Array(length));
          expect(decodeFrame(withCrc(covered, SESSION_TAG), SESSION_TAG)).toEqual(UNKNOWN);
        }
      }
    }
  });
});

describe("extensions", () => {
  it.each(messages)("one that is not critical is skipped, a critical one refused: $name", (vector) => {
    const extended = (...tail: number[]): unknown =>
      decodeFrame(
        withCrc(concatBytes(coveredOf(vector.bytes), Uint8Array.from(tail)), vector.tag),
        SESSION_TAG,
      );
    expect(extended(0x7f, 2, 0xaa, 0xbb)).toEqual(vector.frame);
    expect(extended(0x00, 0)).toEqual(vector.frame);
    expect(extended(0xff, 2, 0xaa, 0xbb)).toEqual(MALFORMED);
    expect(extended(0x00, 0, 0x80, 0)).toEqual(MALFORMED);
    expect(extended(0x7f, 3, 0xaa, 0xbb)).toEqual(MALFORMED);
    expect(extended(0x7f)).toEqual(MALFORMED);
  });

  it("of the longest value end where they say", () => {
    const longest = concatBytes(Uint8Array.of(0x01, 0xff), new Uint8Array(255));
    expect(extensionsAreAcceptable(longest)).toBe(true);
    expect(extensionsAreAcceptable(concatBytes(longest, longest))).toBe(true);
    expect(extensionsAreAcceptable(longest.subarray(0, -1))).toBe(false);
    expect(extensionsAreAcceptable(new Uint8Array(0))).toBe(true);
  });
});
