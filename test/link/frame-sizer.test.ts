import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomChance, SeededRandom } from "../../src/base/prng.ts";
import { ErrorEstimate } from "../../src/link/error-estimate.ts";
import { FrameSizer } from "../../src/link/frame-sizer.ts";
import { CHUNK_UNIT, PAYLOAD_MAX, PAYLOAD_MIN } from "../../src/wire/constants.ts";
import { delimitedCobs } from "../../src/wire/line-code.ts";

/** Bytes on the wire of a data frame beyond its payload: header, CRC, COBS, delimiters. */
const OVERHEAD = 11;

/** A sizer that knows nothing of its line yet, for frames between delimiters. */
function newSizer(payloadMax: number, bytesPerMs?: number): FrameSizer {
  return new FrameSizer(new ErrorEstimate(), { payloadMax, overhead: delimitedCobs.overhead, bytesPerMs });
}

/** The cuts of a stretch, in order. */
function cuts(sizer: FrameSizer, bytes: number): number[] {
  const out: number[] = [];
  for (let left = bytes; left > 0; left -= out.at(-1) ?? left) out.push(sizer.cut(left));
  return out;
}

/** Chance that a frame of this payload arrives at this rate of errors per byte. */
const survival = (payload: number, rate: number): number => (1 - rate) ** (payload + OVERHEAD);

/** Share of the line that the best fixed payload makes of it. */
function bestShare(rate: number): number {
  let best = 0;
  for (let p = PAYLOAD_MIN; p <= PAYLOAD_MAX; p += CHUNK_UNIT) {
    best = Math.max(best, (survival(p, rate) * p) / (p + OVERHEAD));
  }
  return best;
}

/** Sends `bytes` of line at this error rate; the share of it that was payload and arrived. */
function send(sizer: FrameSizer, random: SeededRandom, rate: number, bytes: number): number {
  let sent = 0;
  let arrived = 0;
  while (sent < bytes) {
    const payload = sizer.cut(1 << 20);
    const isLost = !randomChance(random, survival(payload, rate));
    sizer.settle(payload + OVERHEAD, isLost);
    sent += payload + OVERHEAD;
    if (!isLost) arrived += payload;
  }
  return arrived / sent;
}

describe("a sizer with one size", () => {
  it("keeps to it whatever is lost, cuts into equal parts, and sends less to a peer that takes less", () => {
    const options = { overhead: delimitedCobs.overhead, bytesPerMs: undefined, payload: 128 };
    const sizer = new FrameSizer(new ErrorEstimate(), { ...options, payloadMax: PAYLOAD_MAX });
    for (let i = 0; i < 100; i++) {
      expect(sizer.cut(4096)).toBe(128);
      sizer.settle(139, i % 2 === 0);
    }
    expect(cuts(sizer, 160)).toEqual([96, 64]);
    expect(new FrameSizer(new ErrorEstimate(), { ...options, payloadMax: 64 }).cut(4096)).toBe(64);
  });
});

describe("frame size", () => {
  it("begins at 256 bytes, so that the first window on a bad line tells something", () => {
    expect(newSizer(PAYLOAD_MAX).payload).toBe(256);
  });

  it("cuts a block into equal parts", () => {
    expect(cuts(newSizer(PAYLOAD_MAX), 1024)).toEqual([256, 256, 256, 256]);
    expect(cuts(newSizer(PAYLOAD_MAX), 320)).toEqual([160, 160]);
    expect(cuts(newSizer(PAYLOAD_MAX), 1)).toEqual([1]);
  });

  it("tries a larger frame once in 32", () => {
    const sizer = newSizer(PAYLOAD_MAX);
    const sizes = Array.from({ length: 64 }, () => sizer.cut(1 << 20));
    expect(sizes.filter((size) => size === 512)).toHaveLength(2);
    expect(sizes.filter((size) => size === 256)).toHaveLength(62);
  });

  it("stays within what the peer takes, in whole units, when it tries a larger frame", () => {
    const sizer = newSizer(100);
    expect(new Set(Array.from({ length: 64 }, () => sizer.cut(1000)))).toEqual(new Set([96]));
  });

  it("grows to the largest on a clean line", () => {
    const sizer = newSizer(PAYLOAD_MAX);
    send(sizer, new SeededRandom(1), 0, 256 * 1024);
    expect(sizer.payload).toBe(PAYLOAD_MAX);
  });

  it.each([0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2])(
    "comes within 6 % of the best fixed size at %f errors",
    (rate) => {
      const sizer = newSizer(PAYLOAD_MAX);
      const random = new SeededRandom(2);
      send(sizer, random, rate, 64 * 1024);
      expect(send(sizer, random, rate, 1024 * 1024)).toBeGreaterThan(0.94 * bestShare(rate));
    },
  );

  it("follows a line that gets worse, and one that gets better again", () => {
    const sizer = newSizer(PAYLOAD_MAX);
    const random = new SeededRandom(3);
    send(sizer, random, 0, 512 * 1024);
    send(sizer, random, 1e-3, 32 * 1024);
    expect(sizer.payload).toBeLessThanOrEqual(160);
    send(sizer, random, 0, 1024 * 1024);
    expect(sizer.payload).toBeGreaterThanOrEqual(1024);
  });

  it("keeps going at the smallest when nothing arrives", () => {
    const sizer = newSizer(PAYLOAD_MAX);
    for (let i = 0; i < 500; i++) sizer.settle(sizer.cut(4096) + OVERHEAD, true);
    expect(sizer.payload).toBe(PAYLOAD_MIN);
  });

  it.each([
    [0.03, 32],
    [0.06, 96],
    [0.96, 1888],
    [1.2, 2368],
    [2.1, 4096],
    [undefined, 4096],
  ])("takes at most 2 s of a line that carries %s bytes per millisecond: %i bytes", (bytesPerMs, most) => {
    const sizer = newSizer(PAYLOAD_MAX, bytesPerMs);
    for (let i = 0; i < 500; i++) sizer.settle(sizer.cut(4096) + OVERHEAD, false);
    expect(sizer.payload).toBe(most);
  });

  property.prop([
    fc.oneof(fc.nat({ max: 2200 }), fc.nat({ max: 0xffff })),
    fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 70_000 }), isLost: fc.boolean() }), {
      maxLength: 120,
      size: "max",
    }),
  ])(
    "cuts sum to the whole, in whole units but for the last, and never exceed what the peer takes",
    (payloadMax, steps) => {
      const sizer = newSizer(payloadMax);
      const largest = Math.max(CHUNK_UNIT, Math.min(payloadMax, PAYLOAD_MAX));
      for (const { bytes, isLost } of steps) {
        const parts = cuts(sizer, bytes);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(bytes);
        expect(Math.min(...parts)).toBeGreaterThan(0);
        expect(Math.max(...parts)).toBeLessThanOrEqual(largest);
        expect(parts.slice(0, -1).every((part) => part % CHUNK_UNIT === 0)).toBe(true);
        expect(sizer.payload % CHUNK_UNIT).toBe(0);
        sizer.settle((parts[0] ?? 0) + OVERHEAD, isLost);
      }
    },
  );
});
