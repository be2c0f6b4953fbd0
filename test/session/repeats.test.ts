import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { Link } from "../../src/link/link.ts";
import { Repeats, turnTime } from "../../src/session/repeats.ts";

/** When the message is sent, up to `until`; what happens meanwhile is done first. */
function sentUntil(until: Millis, repeats: Repeats, meanwhile: (now: Millis) => void = () => {}): Millis[] {
  const sent: Millis[] = [];
  for (let now = 0; now <= until; now++) {
    meanwhile(now);
    if (repeats.take(now)) sent.push(now);
  }
  return sent;
}

describe("a message that is repeated until it is answered", () => {
  it("goes out at once, and then each time after twice as long, up to the longest wait", () => {
    expect(sentUntil(1_000, new Repeats(0, 30, 200))).toEqual([0, 30, 90, 210, 410, 610, 810]);
  });

  it("waits for the longest time only, where that is shorter than the first one", () => {
    expect(sentUntil(500, new Repeats(0, 300, 200))).toEqual([0, 200, 400]);
  });

  it("is held back when the answer has begun to arrive", () => {
    const repeats = new Repeats(0, 30, 200);
    expect(sentUntil(300, repeats, (now) => now === 20 && repeats.holdUntil(150))).toEqual([0, 150, 210]);
  });

  it("is brought forward to a time after the last one, and never before now", () => {
    const repeats = new Repeats(0, 100, 400);
    const asked = new Map([
      [10, 60],
      [200, 50],
    ]);
    const ask = (now: Millis): void => {
      const after = asked.get(now);
      if (after !== undefined) repeats.bringForward(now, after);
    };
    expect(sentUntil(300, repeats, ask)).toEqual([0, 60, 200]);
  });

  it("is brought forward by a damaged run to half of the first wait", () => {
    const repeats = new Repeats(0, 100, 400);
    expect(sentUntil(120, repeats, (now) => now === 10 && repeats.handleDamage(now))).toEqual([0, 50]);
    const late = new Repeats(0, 100, 400);
    expect(sentUntil(120, late, (now) => now === 70 && late.handleDamage(now))).toEqual([0, 70]);
  });

  it("is brought forward four times at most, whatever the noise, and never after a second", () => {
    const noisy = new Repeats(0, 100, 400);
    expect(sentUntil(900, noisy, (now) => noisy.handleDamage(now))).toEqual([0, 50, 100, 150, 200, 600]);
    const old = new Repeats(0, 600, 10_000);
    expect(sentUntil(1_900, old, (now) => now >= 1_000 && old.handleDamage(now))).toEqual([0, 600, 1_800]);
  });
});

describe("a turn", () => {
  it.each([
    [921_600, 54.34],
    [115_200, 84.72],
    [9_600, 466.67],
    [undefined, 50],
  ])("at %s baud is 50 ms and the line time of 400 bytes: %d ms", (baud, turnMs) => {
    expect(turnTime(new Link({ baud, rtoFloorMs: 10 }))).toBeCloseTo(turnMs, 2);
  });
});
