import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { tagOf } from "../../src/session/identity.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import {
  AnnounceType,
  BootFailureCode,
  Codec,
  ObjectKind,
  PROTOCOL_VERSION,
  RefusalCode,
  RescuerControlType,
  TargetControlType,
} from "../../src/wire/constants.ts";
import { frameCrc } from "../../src/wire/crc.ts";
import { decodeFrame, isSessionFrame } from "../../src/wire/frame.ts";
import type { Frame } from "../../src/wire/messages.ts";
import {
  ADVICE_VECTORS,
  bytesOf,
  CRC_VECTORS,
  DECODE_ONLY_VECTORS,
  encodeFrame,
  FAULT_VECTORS,
  FRAME_VECTORS,
  HAVE_VECTORS,
  LOCATOR_VECTORS,
  RATE_VECTORS,
  SESSION_TAG,
  SESSION_TAG_VECTORS,
  VECTORS_VERSION,
} from "./wire-vectors.ts";

const frames = (tag: Frame["tag"]): Frame[] =>
  FRAME_VECTORS.map(({ frame }) => frame).filter((frame) => frame.tag === tag);

describe("frozen vectors of the wire", () => {
  it("are of the protocol version that the code speaks", () => {
    expect(VECTORS_VERSION).toBe(PROTOCOL_VERSION);
  });

  it.each(CRC_VECTORS)("give the CRC of $octets with tag $tag", ({ octets, tag, crc }) => {
    expect(frameCrc(bytesOf(octets), tag ?? undefined)).toBe(crc);
  });

  it.each(SESSION_TAG_VECTORS)("give the tag of $name", ({ identity, tag }) => {
    const { targetNonce, rescuerNonce, targetId, rescuerId, digest } = identity;
    const bytes = [targetNonce, rescuerNonce, targetId, rescuerId, digest].map(bytesOf);
    const [tn, rn, ti, ri, d] = bytes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(tagOf({ targetNonce: tn, rescuerNonce: rn, targetId: ti, rescuerId: ri, digest: d })).toBe(tag);
  });

  it.each(FRAME_VECTORS)("encode: $name", ({ frame, bytes, wire }) => {
    const encoded = encodeFrame(frame, SESSION_TAG);
    expect(toHex(encoded)).toBe(toHex(bytes));
    expect(toHex(encodeDelimited(encoded))).toBe(toHex(wire));
  });

  it.each([...FRAME_VECTORS, ...DECODE_ONLY_VECTORS])("decode: $name", ({ tag, frame, bytes, wire }) => {
    expect(decodeCobs(wire.subarray(1, -1))).toEqual(bytes);
    expect(decodeFrame(bytes, SESSION_TAG)).toEqual(frame);
    expect(isSessionFrame(bytes)).toBe(tag !== undefined);
  });

  it.each(FAULT_VECTORS)("refuse: $name", ({ tag, bytes, fault }) => {
    expect(decodeFrame(bytes, tag)).toEqual(fault);
  });
});

describe("coverage of the vectors", () => {
  it("has each message and each packet", () => {
    const wanted = [AnnounceType, TargetControlType, RescuerControlType].flatMap(Object.keys);
    expect(
      new Set(
        [...FRAME_VECTORS, ...RATE_VECTORS.frames, ...HAVE_VECTORS.frames, ...ADVICE_VECTORS].map(
          ({ frame }) => frame.tag,
        ),
      ),
    ).toEqual(new Set([...wanted, "data", "object", "probe"]));
  });

  it("has each codec, each kind of object, and the first and last code of each list", () => {
    const data = frames("data").map((frame) => frame.tag === "data" && frame.codec);
    expect(new Set(data)).toEqual(new Set(Object.values(Codec)));
    const objects = [...frames("object"), ...LOCATOR_VECTORS.frames.map(({ frame }) => frame)];
    const kinds = objects
      .filter(({ tag }) => tag === "object")
      .map((frame) => frame.tag === "object" && frame.name.kind);
    expect(new Set(kinds)).toEqual(new Set(Object.values(ObjectKind)));
    const reasons = new Set(frames("refuse").map((frame) => frame.tag === "refuse" && frame.reason));
    const failures = new Set(frames("distress").map((frame) => frame.tag === "distress" && frame.failure));
    for (const names of [Object.keys(RefusalCode), Object.keys(BootFailureCode)]) {
      for (const name of [names[0], names.at(-1)]) {
        expect([...reasons, ...failures]).toContain(name);
      }
    }
  });

  it("has each fault", () => {
    expect(new Set(FAULT_VECTORS.map(({ fault }) => fault.fault))).toEqual(
      new Set(["tooShort", "badCrc", "malformed", "unknown", "foreignVersion"]),
    );
  });
});
