import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { Link } from "../../src/link/link.ts";
import { macMatches } from "../../src/link/link-key.ts";
import { FrameSeal } from "../../src/link/seal.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import {
  Codec,
  CRC_LENGTH,
  FRAME_MAX,
  OBJECT_HEADER_LENGTH,
  SEAL_LENGTH,
  SEALED_PAYLOAD_MAX,
} from "../../src/wire/constants.ts";
import { encodeMessage } from "../../src/wire/frame.ts";

const key = linkKeyOf(new Uint8Array(16).fill(1));
const macs = (["a to b", "b to a"] as const).map((use) => key.deriveMac(new Uint8Array(), Buffer.from(use)));
const [aToB, bToA] = macs as [(typeof macs)[0], (typeof macs)[0]];
const TAG = 77;

function pair(firstCounter = 0): { a: FrameSeal; b: FrameSeal } {
  return { a: new FrameSeal(aToB, bToA, firstCounter), b: new FrameSeal(bToA, aToB) };
}
const whole = (seal: FrameSeal, bytes: Uint8Array): Uint8Array => concatBytes(bytes, seal.seal(bytes));
const bytes = Uint8Array.of(0x31, 1, 2);

/** A target and a rescuer in a sealed session, without rates. */
function links(firstCounter = 0): { target: Link; rescuer: Link } {
  const [target, rescuer] = [0, 1].map(() => new Link({ baud: undefined, rtoFloorMs: 10 })) as [Link, Link];
  const { a, b } = pair(firstCounter);
  target.startReceiving(0, TAG, b);
  rescuer.startSending(0, TAG, 2048, a).add({
    key: "block",
    length: 8192,
    isUrgent: false,
    packet: (packetNumber, from, to) => {
      const payload = new Uint8Array(to - from).fill(1);
      return { tag: "data", packetNumber, codec: Codec.raw, attempt: 0, position: from / 32, payload };
    },
  });
  return { target, rescuer };
}

describe("a seal", () => {
  it("opens what the peer sealed, once, in any order", () => {
    const { a, b } = pair();
    const frames = [1, 2, 3].map((i) => whole(a, Uint8Array.of(i)));
    for (const frame of frames.toReversed()) expect(b.open(frame)).toEqual(frame.subarray(0, 1));
    for (const frame of frames) expect(b.open(frame)).toBeUndefined();
  });

  it("does not open its own frames: each direction has its key", () => {
    const { a } = pair();
    expect(a.open(whole(a, bytes))).toBeUndefined();
  });

  it("ends with its last counter, and never starts over", () => {
    const { a, b } = pair(0xffff_ffff);
    expect(b.open(whole(a, bytes))).toEqual(bytes);
    expect(a.isExhausted).toBe(true);
    expect(() => a.seal(bytes)).toThrow(AssertionError);
  });

  it("takes no frame that is too short for a seal and a byte", () => {
    const { b } = pair();
    for (let length = 0; length <= SEAL_LENGTH; length++)
      expect(b.open(new Uint8Array(length))).toBeUndefined();
  });

  it("leaves the longest frame within the limit of all frames", () => {
    expect(OBJECT_HEADER_LENGTH + SEALED_PAYLOAD_MAX + SEAL_LENGTH + CRC_LENGTH).toBeLessThanOrEqual(
      FRAME_MAX,
    );
  });

  it("takes no empty or shortened MAC for a right one", () => {
    expect(macMatches(new Uint8Array(32), new Uint8Array())).toBe(false);
    expect(macMatches(new Uint8Array(4), new Uint8Array(8))).toBe(false);
  });

  property.prop([fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    "opens nothing in which a byte was changed, and the right frame after it",
    (frame, place, change) => {
      const { a, b } = pair();
      const sealed = whole(a, frame);
      const forged = sealed.slice();
      forged[place % forged.length] = (forged[place % forged.length] as number) ^ change;
      expect(b.open(forged)).toBeUndefined();
      expect(b.open(sealed)).toEqual(frame);
    },
  );
});

describe("a link with a seal", () => {
  it("drops and counts frames without a seal, with a wrong one, and those heard before", () => {
    const { target, rescuer } = links();
    const sealed = rescuer.pollTransmit(0) ?? expect.fail("nothing sent");
    const bare = encodeDelimited(encodeMessage({ tag: "later", forMs: 5 }, TAG));
    const forged = encodeDelimited(encodeMessage({ tag: "later", forMs: 5 }, TAG, () => new Uint8Array(12)));
    const heardAt = target.lastHeardAt;
    for (const wire of [bare, forged]) target.handleRun(500, wire.subarray(1));
    expect(target.counters).toMatchObject({ unauthenticFrames: 2, framesReceived: 0, crcErrors: 0 });
    expect(target.lastHeardAt).toBe(heardAt);
    expect(target.pollEvent()).toBeUndefined();

    target.handleRun(600, sealed.subarray(1));
    expect(target.pollEvent()).toMatchObject({ tag: "chunk" });
    target.handleRun(700, sealed.subarray(1));
    expect(target.pollEvent()).toBeUndefined();
    expect(target.lastHeardAt).toBe(600);
    expect(target.counters).toMatchObject({ unauthenticFrames: 3, framesReceived: 1, duplicates: 0 });
  });

  it("ends the session when the counters are used up, and asks for no further call", () => {
    const { rescuer } = links(0xffff_ffff);
    expect(rescuer.pollTransmit(0)).toBeDefined();
    expect(rescuer.pollTransmit(0)).toBeUndefined();
    expect(rescuer.sender).toBeUndefined();
    expect(rescuer.pollTimeout()).toBeUndefined();
  });
});
