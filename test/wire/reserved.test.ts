import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import {
  AnnounceType,
  BeaconFlag,
  CONTROL_NEVER_GIVEN,
  DeferCode,
  ExtensionType,
  NEVER_GIVEN,
  ObjectKind,
  PROTOCOL_VERSION,
  RescuerControlType,
  TargetControlType,
  WireLimit,
} from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import {
  RESERVED_NAME_MAX,
  ReservedAnnounceType,
  ReservedDeferCode,
  ReservedExtension,
  ReservedObjectKind,
  ReservedRescuerControl,
  ReservedTargetControl,
} from "../../src/wire/reserved.ts";
import { withCrc } from "../support/with-crc.ts";
import { FRAME_VECTORS, SESSION_TAG } from "./wire-vectors.ts";

const values = (...tables: Readonly<Record<string, number>>[]): number[] =>
  tables.flatMap((table) => Object.values(table));
const extensionTypes = Object.values(ReservedExtension).map(({ type }) => type);

/** The bytes of these extensions, all bits set. */
const extensions = (names: readonly (keyof typeof ReservedExtension)[]): Uint8Array =>
  concatBytes(
    ...names.map((name) => {
      const { type, length } = ReservedExtension[name];
      return concatBytes(Uint8Array.of(type, length), new Uint8Array(length).fill(0xff));
    }),
  );

/** The vector with this name, without its CRC. */
function covered(name: string): Uint8Array {
  const vector = FRAME_VECTORS.find((candidate) => candidate.name === name);
  return vector?.bytes.subarray(0, -4) ?? expect.fail(`no vector ${name}`);
}

describe("reserved numbers", () => {
  it.each([
    ["announcements", [...values(AnnounceType, ReservedAnnounceType), 0, NEVER_GIVEN]],
    ["target controls", [...values(TargetControlType, ReservedTargetControl), CONTROL_NEVER_GIVEN]],
    ["rescuer controls", [...values(RescuerControlType, ReservedRescuerControl), CONTROL_NEVER_GIVEN]],
    ["kinds of object", [...values(ObjectKind, ReservedObjectKind), NEVER_GIVEN]],
    ["flags of a beacon", values(BeaconFlag)],
    ["reasons of a defer", [...values(DeferCode, ReservedDeferCode), 0, NEVER_GIVEN]],
    ["extensions", [...values(ExtensionType), ...extensionTypes, 0x7e, 0x7f, 0xfe, 0xff]],
  ])("of %s are given once", (_, numbers) => {
    expect(numbers.length).toBeGreaterThan(1);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("of messages are unknown to this version, with any body", () => {
    for (const length of [0, 1, 16, 60]) {
      for (const type of values(ReservedAnnounceType)) {
        const bytes = concatBytes(Uint8Array.of(PROTOCOL_VERSION << 4, type), new Uint8Array(length));
        expect(decodeFrame(withCrc(bytes, undefined), undefined)).toEqual({ tag: "fault", fault: "unknown" });
      }
      for (const [frameClass, types] of [
        [1, values(ReservedTargetControl)],
        [2, values(ReservedRescuerControl)],
      ] as const) {
        for (const type of types) {
          const bytes = concatBytes(Uint8Array.of(frameClass | (type << 4)), new Uint8Array(length));
          const frame = decodeFrame(withCrc(bytes, SESSION_TAG), SESSION_TAG);
          expect(frame).toEqual({ tag: "fault", fault: "unknown" });
        }
      }
    }
  });

  it.each([
    ["offer", ["signature"]],
    ["offer", ["signature", "keys"]],
  ] as const)("%s with all its reserved extensions keeps its meaning and its limit: %s", (name, names) => {
    const plain = covered(name);
    const frame = withCrc(concatBytes(plain, extensions(names)), undefined);
    expect(encodeDelimited(frame).length).toBeLessThanOrEqual(WireLimit.announcement);
    expect(decodeFrame(frame, undefined)).toEqual(decodeFrame(withCrc(plain, undefined), undefined));
  });

  it("a name of the longest hardware fits an announcement", () => {
    const name = withCrc(new Uint8Array(2 + 8 + 1 + RESERVED_NAME_MAX).fill(1), undefined);
    expect(encodeDelimited(name).length).toBeLessThanOrEqual(WireLimit.announcement);
  });
});
