import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { Announcing } from "../../src/mesh/announcing.ts";
import { runUntil } from "./support.ts";

const SEED = 1024;
const HOUR: Millis = 3_600_000;

let announcing: Announcing;
let said: { at: Millis; link: number }[];

beforeEach(() => {
  announcing = new Announcing(new SeededRandom(1));
  said = [];
});

/** Runs until a time; how often something was due. */
function run(until: Millis, from: Millis = 0): number {
  const next = (): Millis | undefined => announcing.nextAt;
  const step = (now: Millis): void =>
    void said.push(...announcing.take(now).map((link) => ({ at: now, link })));
  return runUntil(until, next, step, from);
}

/** When it was said on a link, from a time on. */
function times(link: number, from: Millis = 0): Millis[] {
  return said.filter((one) => one.link === link && one.at >= from).map(({ at }) => at);
}

describe("a node that says its status", () => {
  it("says it on each link soon after that comes up, and less and less often", () => {
    announcing.handleLinkUp(0, 0, true);
    announcing.handleLinkUp(0, 3, true);
    run(60_000);
    for (const link of [0, 3]) {
      const [first = 0] = times(link);
      expect(first).toBeGreaterThanOrEqual(500);
      expect(first).toBeLessThan(1_000);
      expect(times(link).length).toBeGreaterThanOrEqual(5);
      expect(times(link).length).toBeLessThanOrEqual(6);
    }
  });

  it("says it often again, on all links, when its own board has news", () => {
    for (const link of [0, 1]) announcing.handleLinkUp(0, link, true);
    run(HOUR);
    announcing.handleOwnNews(HOUR);
    run(HOUR + 3_000, HOUR);
    for (const link of [0, 1]) expect(times(link, HOUR).length).toBe(2);
  });

  it("says it often again on the link where a neighbour had news, and on no other", () => {
    for (const link of [0, 1]) announcing.handleLinkUp(0, link, true);
    run(HOUR);
    announcing.handleHeardNews(HOUR, 0);
    run(HOUR + 3_000, HOUR);
    expect([0, 1].map((link) => times(link, HOUR).length)).toEqual([2, 0]);
  });

  it("believes what neighbours say of themselves at most once a minute on each link", () => {
    announcing.handleLinkUp(0, 0, true);
    run(HOUR);
    for (let now = HOUR; now < HOUR + 60_000; now += 100) {
      announcing.handleHeardNews(now, 0);
      run(now + 100, now);
    }
    // One reset: at most the six beacons of the minute after a start.
    expect(times(0, HOUR).length).toBeLessThanOrEqual(6);
  });

  it("says it no less often for what others say, as nobody else can speak for it", () => {
    announcing.handleLinkUp(0, 0, true);
    for (let now = 0; now < 60_000; now += 100) {
      announcing.handleHeardSame(0);
      run(now + 100, now);
    }
    expect(times(0).length).toBeGreaterThanOrEqual(5);
  });

  it("has nothing to do without links, on a link that is down, and for a link that never came up", () => {
    expect(announcing.nextAt).toBeUndefined();
    announcing.handleLinkUp(0, 0, true);
    announcing.handleLinkUp(100, 0, false);
    announcing.handleLinkUp(100, 1, false);
    announcing.handleOwnNews(100);
    announcing.handleHeardNews(100, 0);
    announcing.handleHeardSame(1);
    expect(announcing.nextAt).toBeUndefined();
    expect(announcing.take(HOUR)).toEqual([]);
    announcing.handleLinkUp(HOUR, 0, true);
    run(HOUR + 1_000, HOUR);
    expect(times(0).length).toBe(1);
  });

  it("says nothing twice when it is asked again, and after a long sleep once", () => {
    announcing.handleLinkUp(0, 0, true);
    expect(announcing.take(1_000)).toEqual([0]);
    expect(announcing.take(1_000)).toEqual([]);
    expect(announcing.take(10 * HOUR)).toEqual([0]);
    expect(announcing.take(10 * HOUR)).toEqual([]);
  });

  property.prop([fc.nat()], { seed: SEED, numRuns: 50 })(
    "says it at most 4 times an hour at rest, but in few hours, and never more than 5 times",
    (seed) => {
      announcing = new Announcing(new SeededRandom(seed));
      said = [];
      announcing.handleLinkUp(0, 0, true);
      const calls = run(51 * HOUR);
      const hours = Array.from({ length: 50 }, (_, i) => (i + 1) * HOUR);
      const counts = hours.map((from) => times(0, from).filter((at) => at < from + HOUR).length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(5);
      expect(counts.filter((count) => count > 4).length).toBeLessThanOrEqual(5);
      // Each interval costs two steps, and no more.
      expect(calls).toBeLessThanOrEqual(2 * times(0).length + 2);
    },
  );
});
