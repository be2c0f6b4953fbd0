import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes, toHex } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { encodeDelimited } from "../../../src/wire/cobs.ts";
import { CODED_FRAME_MAX, encodeCodedFrame, holdsMarker } from "../../../src/wire/fec/coded-frame.ts";
import { FrameHunter } from "../../../src/wire/fec/frame-hunter.ts";
import { withCrc } from "../../support/with-crc.ts";
import { hunt, NotedHunter } from "./hunted.ts";

const TAG = 0x1234_5678;
const HELD_MAX = 2376;
const MARKER = Uint8Array.of(0x1a, 0xcf, 0xfc, 0x1d);

const frameOf = (body: Uint8Array): Uint8Array => withCrc(concatBytes(Uint8Array.of(8, 0, 0, 0), body), TAG);
const framed = fc.record({
  frame: fc.uint8Array({ maxLength: 300 }).map(frameOf),
  mendable: fc.integer({ min: 1, max: 16 }),
});
/** Pieces of a line: coded frames, markers, bytes near the marker, and anything. */
const piece = fc.oneof(
  framed.map(({ frame, mendable }) => encodeCodedFrame(frame, mendable)),
  framed.map(({ frame, mendable }) => encodeCodedFrame(frame, mendable).subarray(0, -3)),
  fc.constant(MARKER),
  fc.array(fc.constantFrom(0x1a, 0xcf, 0xfc, 0x1d, 0x00), { maxLength: 40 }).map((a) => Uint8Array.from(a)),
  fc.uint8Array({ maxLength: 100 }),
);

describe("FrameHunter (PROTOCOL.md 2.5)", () => {
  it("hears the longest frame, and holds no more than that on the line", () => {
    const frame = frameOf(new Uint8Array(CODED_FRAME_MAX - 8).fill(3));
    const noted = new NotedHunter(TAG);
    const wire = encodeCodedFrame(frame, 16);
    expect(wire).toHaveLength(HELD_MAX);
    for (const byte of wire) noted.push(Uint8Array.of(byte));
    expect(noted.heldMax).toBe(HELD_MAX - 1);
    expect(noted.close()).toEqual([{ frameHex: toHex(frame), wrong: 0 }]);
  });

  it("passes on a frame in COBS at once, to its last delimiter", () => {
    const noted = new NotedHunter(TAG);
    const wire = encodeDelimited(frameOf(Uint8Array.of(1, 2, 0, 3)));
    noted.push(wire);
    expect([noted.bytes, noted.hunter.heldBytes]).toEqual([wire.length, 0]);
  });

  it("passes on what it holds when the line falls silent, and a marker within it begins another frame", () => {
    const others: number[] = [];
    const frames: Uint8Array[] = [];
    const hunter = new FrameHunter({
      onOther: (bytes) => others.push(...bytes),
      onFrame: ({ bytes }) => frames.push(bytes) > 0,
    });
    const frame = frameOf(Uint8Array.of(5));
    const start = encodeCodedFrame(frameOf(new Uint8Array(200)), 4).subarray(0, 60);
    hunter.push(0, concatBytes(start, encodeCodedFrame(frame, 2)));
    expect(frames).toEqual([]);
    hunter.handleTimeout(hunter.pollTimeout() ?? 0);
    hunter.handleTimeout(hunter.pollTimeout() ?? 0);
    expect(frames).toEqual([frame]);
    expect(others).toEqual([...start]);
    expect(hunter.pollTimeout()).toBeUndefined();
  });

  it("looks again behind the marker of a frame whose CRC is wrong", () => {
    const wrong = encodeCodedFrame(new Uint8Array(20).fill(7), 3);
    const frame = frameOf(Uint8Array.of(9));
    expect(hunt(TAG, concatBytes(wrong, encodeCodedFrame(frame, 3)), [64])).toEqual([
      { otherHex: toHex(wrong) },
      { frameHex: toHex(frame), wrong: 0 },
    ]);
  });

  it("finds a false frame once in a million random bytes at most, and loses none of them", () => {
    const noted = new NotedHunter(TAG);
    const random = new SeededRandom(11);
    for (let i = 0; i < 1024; i++) noted.push(randomBytes(random, 1024));
    noted.close();
    expect(noted.bytes).toBe(1 << 20);
    expect(noted.tried).toBeLessThanOrEqual(1);
  });

  it("does a bounded amount of work for a stream that is nothing but beginnings of frames", () => {
    const start = encodeCodedFrame(new Uint8Array(2000), 16).subarray(0, 7);
    const stream = concatBytes(...Array.from({ length: 4096 }, () => start));
    const noted = new NotedHunter(TAG);
    noted.push(stream);
    expect(noted.heldMax).toBeLessThan(HELD_MAX);
    noted.close();
    expect([noted.bytes, noted.tried]).toEqual([stream.length, 0]);
  });

  property.prop(
    [fc.array(piece, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 })],
    {
      seed: 0x0fec,
    },
  )("gives the same, and every byte once, however the stream is cut", (pieces, lengths) => {
    const stream = concatBytes(...pieces);
    const whole = new NotedHunter(TAG);
    if (stream.length > 0) whole.push(stream);
    const items = whole.close();
    expect(whole.bytes).toBe(stream.length);
    expect(whole.heldMax).toBeLessThanOrEqual(HELD_MAX);
    expect(hunt(TAG, stream, lengths)).toEqual(items);
  });

  property.prop([fc.array(framed, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(), { maxLength: 8 })], {
    seed: 0x0fec,
  })(
    "hears every frame of an undamaged line, with wrong bytes in one codeword of the first",
    (frames, places) => {
      const wires = frames.map(({ frame, mendable }) => encodeCodedFrame(frame, mendable));
      const [first] = wires;
      const t = frames[0]?.mendable ?? 0;
      const hits = new Set(places.map((place) => 7 + (place % 9)).slice(0, t));
      if (first !== undefined) for (const at of hits) first[at] = (first[at] ?? 0) ^ 0x55;
      const heard = hunt(TAG, concatBytes(...wires), [50]);
      expect(heard.map((item) => ("frameHex" in item ? item.frameHex : "other"))).toEqual(
        frames.map(({ frame }) => toHex(frame)),
      );
    },
  );
});

describe("a marker in other bytes", () => {
  it("is found with up to three wrong bits", () => {
    const near = (bits: number): Uint8Array =>
      Uint8Array.of(9, 0x1a, 0xcf, 0xfc ^ ((1 << bits) - 1), 0x1d, 9);
    expect([0, 1, 2, 3, 4].map((bits) => holdsMarker(near(bits)))).toEqual([true, true, true, true, false]);
    expect(holdsMarker(MARKER.subarray(0, 3))).toBe(false);
  });
});
