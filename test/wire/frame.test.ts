import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import {
  Codec,
  CRC_LENGTH,
  FRAME_MAX,
  FRAME_MIN,
  ObjectKind,
  SEAL_LENGTH,
  SEALED_PAYLOAD_MAX,
} from "../../src/wire/constants.ts";
import { crcMatches, decodeFrame, encodePacket, isSessionFrame, type Unseal } from "../../src/wire/frame.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import type { Packet } from "../../src/wire/messages.ts";
import { withCrc } from "../support/with-crc.ts";
import { anyFrame, anyTag } from "./arbitrary-frames.ts";
import { encodeFrame } from "./wire-vectors.ts";

/** `covered` with the CRC that makes it pass the first check. */
function sealed(covered: Uint8Array, tag: number): Uint8Array {
  return withCrc(covered, isSessionFrame(covered) ? tag : undefined);
}

describe("frames", () => {
  property.prop([anyFrame, anyTag], { numRuns: 1000 })("come back as they were sent", (frame, tag) => {
    const bytes = encodeFrame(frame, tag);
    expect(decodeFrame(bytes, tag)).toEqual(frame);
    expect(bytes.length).toBeGreaterThanOrEqual(FRAME_MIN);
    expect(bytes.length).toBeLessThanOrEqual(FRAME_MAX);
    const wire = encodeDelimited(bytes);
    expect(decodeCobs(wire.subarray(1, -1))).toEqual(bytes);
    expect(wire.length - 1).toBeLessThanOrEqual(RUN_MAX);
  });

  property.prop([anyFrame, anyTag, anyTag], { numRuns: 500 })(
    "of a session fail under every other tag, and announcements under none",
    (frame, tag, other) => {
      fc.pre(tag !== other);
      const bytes = encodeFrame(frame, tag);
      if (isSessionFrame(bytes)) {
        expect(decodeFrame(bytes, other)).toEqual({ tag: "fault", fault: "badCrc" });
        expect(decodeFrame(bytes, undefined)).toEqual({ tag: "fault", fault: "badCrc" });
        expect(crcMatches(bytes, tag)).toBe(true);
      } else {
        expect(decodeFrame(bytes, other)).toEqual(frame);
        expect(decodeFrame(bytes, undefined)).toEqual(frame);
      }
    },
  );

  property.prop([anyFrame, anyTag, fc.nat(), fc.nat({ max: 31 })], { numRuns: 1000 })(
    "with up to 32 bits in a row damaged are refused",
    (frame, tag, at, reach) => {
      const bytes = encodeFrame(frame, tag).slice();
      const first = at % (bytes.length * 8 - reach);
      // A burst: its first and last bit flip, and every third between them.
      for (let bit = first; bit <= first + reach; bit++) {
        if ((bit - first) % 3 === 0 || bit === first + reach) {
          bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        }
      }
      // In the first byte a burst may change the class, and with it the seed: what holds then is 1 in 2^32.
      expect(decodeFrame(bytes, tag)).toMatchObject({ tag: "fault" });
    },
  );

  property.prop([fc.uint8Array({ maxLength: 2200 }), fc.option(anyTag, { nil: undefined })])(
    "are never seen in noise, and noise never throws",
    (noise, tag) => {
      expect(decodeFrame(noise, tag)).toMatchObject({ tag: "fault" });
    },
  );

  property.prop([fc.uint8Array({ minLength: 1, maxLength: 120 }), anyTag], { numRuns: 2000 })(
    "of any content with a right CRC decode or are faults, and never throw",
    (covered, tag) => {
      const bytes = sealed(covered, tag);
      const frame = decodeFrame(bytes, tag);
      if (frame.tag !== "fault") {
        // What was understood can be said again; only extensions and reserved bits may be lost.
        const again = encodeFrame(frame, tag);
        expect(again.length).toBeLessThanOrEqual(bytes.length);
        expect(decodeFrame(again, tag)).toEqual(frame);
      } else {
        expect(["malformed", "unknown", "foreignVersion"]).toContain(frame.fault);
      }
    },
  );

  property.prop([anyFrame, anyTag])("share no bytes with the message they were made of", (frame, tag) => {
    const bytes = encodeFrame(frame, tag);
    bytes.fill(0, 0, bytes.length - CRC_LENGTH);
    expect(decodeFrame(encodeFrame(frame, tag), tag)).toEqual(frame);
  });
});

describe("sealed packets", () => {
  const TAG = 7;
  const seal = new Uint8Array(SEAL_LENGTH).fill(0x5e);
  const payload = new Uint8Array(SEALED_PAYLOAD_MAX).fill(3);
  const name = { kind: ObjectKind.run, node: { level: 1, index: 2 } };
  const packets: readonly Packet[] = [
    { tag: "data", packetNumber: 5, codec: Codec.raw, attempt: 1, position: 9, payload },
    { tag: "object", packetNumber: 6, name, offset: 0, total: payload.length, payload },
    { tag: "probe", packetNumber: 7 },
  ];
  const unseal: Unseal = (covered) => {
    const at = covered.length - SEAL_LENGTH;
    return equalBytes(covered.subarray(at), seal) ? covered.subarray(0, at) : undefined;
  };

  it.each(packets.map((packet) => [packet.tag, packet] as const))(
    "come back as they were, however long: %s",
    (_tag, packet) => {
      const bytes = encodePacket(packet, TAG, () => seal);
      expect(bytes.length).toBe(encodePacket(packet, TAG).length + SEAL_LENGTH);
      expect(bytes.length).toBeLessThanOrEqual(FRAME_MAX);
      expect(decodeFrame(bytes, TAG, unseal)).toEqual(packet);
    },
  );

  it.each(packets.map((packet) => [packet.tag, packet] as const))(
    "are no frames with another seal, or none: %s",
    (_tag, packet) => {
      const fault = { tag: "fault", fault: "unauthentic" };
      const other = encodePacket(packet, TAG, () => seal.with(3, 0));
      expect(decodeFrame(other, TAG, unseal)).toEqual(fault);
      expect(decodeFrame(encodePacket(packet, TAG), TAG, unseal)).toEqual(fault);
    },
  );

  it("are the only ones: announcements are not asked for a seal", () => {
    const query = { tag: "query", nodeId: new Uint8Array(8), bootNonce: new Uint8Array(8) } as const;
    expect(decodeFrame(encodeFrame(query, TAG), TAG, () => undefined)).toEqual(query);
  });
});
