import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { type Random, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { TRICKLE_MAX_MS, Trickle, type TrickleOptions } from "../../src/mesh/trickle.ts";

const HOUR: Millis = 3_600_000;
const SEED = 6206;
/** Draw the earliest, the middle and the latest t. */
const FIRST: Random = { u32: () => 0 };
const MIDDLE: Random = { u32: () => 0x8000_0000 };
const LAST: Random = { u32: () => 0xffff_ffff };

/** One interval, as its owner sees it. */
interface Seen {
  readonly lengthMs: Millis;
  /** From the start of the interval. */
  readonly sendAt: Millis;
  readonly isSent: boolean;
}

/** Lets an interval that began at `startAt` pass. */
function passInterval(trickle: Trickle, startAt: Millis): Seen {
  const sendAt = trickle.nextAt ?? Number.NaN;
  const isSent = trickle.take(sendAt);
  const endsAt = trickle.nextAt ?? Number.NaN;
  expect(trickle.take(endsAt)).toBe(false);
  return { lengthMs: endsAt - startAt, sendAt: sendAt - startAt, isSent };
}

/** Lets some intervals pass, from the start on. */
function passIntervals(trickle: Trickle, startAt: Millis, count: number): Seen[] {
  let at = startAt;
  trickle.start(at);
  return Array.from({ length: count }, () => {
    const seen = passInterval(trickle, at);
    at += seen.lengthMs;
    return seen;
  });
}

/** Calls take() whenever it has something to do; the times of the transmissions. */
function drive(trickle: Trickle, clock: VirtualClock): Millis[] {
  const sent: Millis[] = [];
  const wait = (): void => {
    const at = trickle.nextAt;
    if (at === undefined) return;
    clock.after(at - clock.now(), () => {
      if (trickle.take(clock.now())) sent.push(clock.now());
      wait();
    });
  };
  wait();
  return sent;
}

let clock: VirtualClock;

beforeEach(() => {
  clock = new VirtualClock();
});

describe("RFC 6206, section 4.2", () => {
  it("rule 1: begins with an interval from Imin to Imax, which is the shortest here", () => {
    for (const startAt of [0, 5.5, 1e12])
      expect(passIntervals(new Trickle(FIRST), startAt, 1)).toEqual([
        { lengthMs: 1_000, sendAt: 500, isSent: true },
      ]);
    const trickle = new Trickle(FIRST, { minMs: 100, maxMs: 100 });
    expect(passIntervals(trickle, 0, 1)).toEqual([{ lengthMs: 100, sendAt: 50, isSent: true }]);
  });

  it("rule 2: each interval begins with c = 0 and a t of its own in [I/2, I)", () => {
    const trickle = new Trickle(LAST, { suppressAt: 1 });
    trickle.start(0);
    trickle.handleConsistent();
    expect(passInterval(trickle, 0)).toEqual({ lengthMs: 1_000, sendAt: 999, isSent: false });
    expect(passInterval(trickle, 1_000)).toEqual({ lengthMs: 2_000, sendAt: 1_999, isSent: true });
    expect(passIntervals(new Trickle(FIRST), 0, 3).map(({ sendAt }) => sendAt)).toEqual([500, 1_000, 2_000]);
    expect(passIntervals(new Trickle(MIDDLE), 0, 3).map(({ sendAt }) => sendAt)).toEqual([750, 1_500, 3_000]);
  });

  it("rule 3: each consistent message adds one to c", () => {
    const trickle = new Trickle(FIRST, { suppressAt: 3 });
    const sentAfter = (heard: number): boolean => {
      trickle.start(0);
      for (let i = 0; i < heard; i++) trickle.handleConsistent();
      return trickle.take(500);
    };
    expect([0, 1, 2, 3, 4].map(sentAfter)).toEqual([true, true, true, false, false]);
  });

  it("rule 4: transmits at t, once, if c is less than k then", () => {
    const trickle = new Trickle(FIRST, { suppressAt: 1 });
    trickle.start(0);
    expect([0, 499.9, 500, 500, 501].map((now) => trickle.take(now))).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
    // What is heard after t counts for nothing: c is 0 in the next interval.
    trickle.handleConsistent();
    expect([1_000, 1_999, 2_000].map((now) => trickle.take(now))).toEqual([false, false, true]);
  });

  it("rule 5: the interval doubles when it expires, up to Imax", () => {
    const lengths = (options: TrickleOptions, count: number): Millis[] =>
      passIntervals(new Trickle(FIRST, options), 0, count).map(({ lengthMs }) => lengthMs);
    const defaults = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024].map((s) => s * 1_000);
    expect(lengths({}, 12)).toEqual(defaults);
    expect(lengths({ minMs: 1_000, maxMs: 5_000 }, 5)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it("rule 6: an inconsistent message begins a shortest interval, with c = 0 and a new t", () => {
    const trickle = new Trickle(FIRST, { suppressAt: 1 });
    passIntervals(trickle, 0, 3);
    trickle.handleConsistent();
    expect(trickle.nextAt).toBe(11_000);
    expect(trickle.handleInconsistent(7_500)).toBe(true);
    expect(trickle.nextAt).toBe(8_000);
    expect(passInterval(trickle, 7_500)).toEqual({ lengthMs: 1_000, sendAt: 500, isSent: true });
    expect(passInterval(trickle, 8_500).lengthMs).toBe(2_000);
  });
});

describe("Trickle", () => {
  it("a reset at the smallest interval does nothing", () => {
    const random = new SeededRandom(SEED);
    const trickle = new Trickle(random, { suppressAt: 1 });
    trickle.start(0);
    trickle.handleConsistent();
    const sendAt = trickle.nextAt ?? Number.NaN;
    expect(trickle.handleInconsistent(10)).toBe(false);
    expect(trickle.nextAt).toBe(sendAt);
    // Nor is c set back: the transmission stays suppressed.
    expect(trickle.take(sendAt)).toBe(false);
    expect(trickle.handleInconsistent(sendAt)).toBe(false);
    expect(trickle.nextAt).toBe(1_000);
  });

  it("a reset at the smallest interval does nothing, also where no interval is longer", () => {
    const trickle = new Trickle(FIRST, { minMs: 1_000, maxMs: 1_000 });
    passIntervals(trickle, 0, 5);
    expect(trickle.handleInconsistent(5_100)).toBe(false);
    expect(trickle.nextAt).toBe(5_500);
  });

  it("suppresses nothing by default", () => {
    const trickle = new Trickle(FIRST);
    trickle.start(0);
    for (let i = 0; i < 1_000; i++) trickle.handleConsistent();
    expect(trickle.take(500)).toBe(true);
  });

  it("has nothing to do before it is started and after it is stopped", () => {
    const trickle = new Trickle(FIRST);
    const isIdle = (): void => {
      trickle.handleConsistent();
      expect(trickle.handleInconsistent(1e9)).toBe(false);
      expect(trickle.take(1e9)).toBe(false);
      expect(trickle.nextAt).toBeUndefined();
    };
    isIdle();
    passIntervals(trickle, 0, 4);
    trickle.stop();
    isIdle();
    expect(passIntervals(trickle, 2e9, 1)).toEqual([{ lengthMs: 1_000, sendAt: 500, isSent: true }]);
  });

  it("begins again with the shortest interval when it is started while it runs", () => {
    const trickle = new Trickle(FIRST);
    passIntervals(trickle, 0, 4);
    trickle.start(15_100);
    expect(trickle.nextAt).toBe(15_600);
  });

  it("transmits when take() comes after t, and after the end of the interval", () => {
    const trickle = new Trickle(FIRST);
    trickle.start(0);
    expect(trickle.take(900)).toBe(true);
    expect(trickle.take(1_000)).toBe(false);
    expect(trickle.nextAt).toBe(2_000);
    // 10 ms late: the next interval begins then, 4 s long.
    expect(trickle.take(3_010)).toBe(true);
    expect(trickle.nextAt).toBe(5_010);
  });

  it("transmits once after a clock that jumped over many intervals, and continues with the next one", () => {
    for (const jumpMs of [10_000, 24 * HOUR, 1e13]) {
      const trickle = new Trickle(MIDDLE);
      trickle.start(0);
      expect([0, 0, 0, 1, 1_499].map((later) => trickle.take(jumpMs + later))).toEqual([
        true,
        false,
        false,
        false,
        false,
      ]);
      expect(trickle.nextAt).toBe(jumpMs + 1_500);
      expect(passInterval(trickle, jumpMs)).toEqual({ lengthMs: 2_000, sendAt: 1_500, isSent: true });
    }
  });

  it("transmits nothing for a suppressed interval that the clock jumped over, nor again for one that sent", () => {
    const trickle = new Trickle(FIRST, { suppressAt: 1 });
    trickle.start(0);
    trickle.handleConsistent();
    expect(trickle.take(24 * HOUR)).toBe(false);
    expect(trickle.nextAt).toBe(24 * HOUR + 1_000);
    expect(trickle.take(24 * HOUR + 1_000)).toBe(true);
    expect(trickle.take(48 * HOUR)).toBe(false);
  });

  it("transmits at most 4 times an hour at rest, counted over 24 hours", () => {
    const trickle = new Trickle(new SeededRandom(SEED));
    trickle.start(0);
    const sent = drive(trickle, clock);
    // At rest: the intervals of 1 s to 512 s are over.
    const restAt = 2 * TRICKLE_MAX_MS;
    clock.advanceTo(restAt + 24 * HOUR);
    const hours = Array.from({ length: 24 }, (_, hour) => {
      const isIn = (at: Millis): boolean => Math.floor((at - restAt) / HOUR) === hour;
      return sent.filter(isIn).length;
    });
    const total = hours.reduce((sum, count) => sum + count, 0);
    expect(Math.max(...hours), `in an hour, seed ${SEED}`).toBeLessThanOrEqual(4);
    expect(total, `in 24 hours, seed ${SEED}`).toBeLessThanOrEqual(85);
    expect(total, `in 24 hours, seed ${SEED}`).toBeGreaterThanOrEqual(83);
  });

  it("transmits about once in each shortest interval under a stream of news, neither more nor less", () => {
    const trickle = new Trickle(new SeededRandom(SEED));
    trickle.start(0);
    let sent = 0;
    for (let now = 0; now <= 100_000; now += 10) {
      if (trickle.take(now)) sent++;
      trickle.handleInconsistent(now);
    }
    expect(sent, `seed ${SEED}`).toBeLessThanOrEqual(101);
    expect(sent, `seed ${SEED}`).toBeGreaterThanOrEqual(98);
  });

  it("refuses intervals and a k that it could not keep", () => {
    const make = (options: TrickleOptions) => () => new Trickle(FIRST, options);
    expect(make({ minMs: 1 })).toThrow("a shortest interval of 1 ms");
    expect(make({ minMs: 2.5 })).toThrow("a shortest interval of 2.5 ms");
    expect(make({ minMs: 2_000, maxMs: 1_999 })).toThrow("intervals of 2000 to 1999 ms");
    expect(make({ maxMs: Number.POSITIVE_INFINITY })).toThrow("intervals of 1000 to Infinity ms");
    expect(make({ suppressAt: 0 })).toThrow("suppression after 0 messages");
    expect(make({ minMs: 2, maxMs: 2, suppressAt: 1 })).not.toThrow();
  });

  const options = fc
    .tuple(fc.integer({ min: 2, max: 10_000 }), fc.integer({ min: 0, max: 2_000_000 }))
    .map(([minMs, more]) => ({ minMs, maxMs: minMs + more }));

  property.prop([fc.integer(), options, fc.double({ min: 0, max: 1e12, noNaN: true })], { seed: SEED })(
    "has t in [I/2, I) of each interval, and intervals that double up to the maximum",
    (seed, { minMs, maxMs }, startAt) => {
      const trickle = new Trickle(new SeededRandom(seed), { minMs, maxMs });
      let expected = minMs;
      let at = startAt;
      trickle.start(at);
      for (let i = 0; i < 25; i++) {
        const sendAt = trickle.nextAt ?? Number.NaN;
        expect(sendAt).toBeGreaterThanOrEqual(at + expected / 2);
        expect(sendAt).toBeLessThan(at + expected);
        expect(trickle.take(sendAt)).toBe(true);
        expect(trickle.nextAt).toBe(at + expected);
        at += expected;
        expect(trickle.take(at)).toBe(false);
        expected = Math.min(2 * expected, maxMs);
      }
    },
  );

  const step = fc.record({
    passMs: fc.oneof(fc.nat(3_000), fc.nat(10_000_000)),
    what: fc.constantFrom("take", "take", "consistent", "inconsistent"),
  });

  property.prop([fc.integer(), fc.array(step, { maxLength: 200, size: "max" })], { seed: SEED })(
    "never transmits twice within half a shortest interval, whatever is heard and whenever take() is called",
    (seed, steps) => {
      const trickle = new Trickle(new SeededRandom(seed), { suppressAt: 2 });
      trickle.start(0);
      let now = 0;
      let sentAt = Number.NEGATIVE_INFINITY;
      for (const { passMs, what } of steps) {
        now += passMs;
        if (what === "consistent") trickle.handleConsistent();
        else if (what === "inconsistent") trickle.handleInconsistent(now);
        else if (trickle.take(now)) {
          expect(now - sentAt).toBeGreaterThanOrEqual(500);
          sentAt = now;
        }
        expect(trickle.nextAt).toBeLessThan(now + TRICKLE_MAX_MS);
      }
    },
  );
});
