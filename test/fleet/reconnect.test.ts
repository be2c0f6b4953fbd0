import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { RECONNECT_FIRST_MS, RECONNECT_MAX_MS, Reconnect } from "../../src/fleet/reconnect.ts";

/** How many of the values lie in each tenth of a window. */
function tenths(values: readonly number[], window: number): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const value of values) {
    const index = Math.floor((10 * value) / window);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe("connecting again", () => {
  it("spreads 50,000 sites evenly over the first window, and over the longest one", () => {
    const sites = Array.from({ length: 50_000 }, (_, i) => new Reconnect(new SeededRandom(i + 1)));
    const first = tenths(
      sites.map((site) => site.delayAfter(0)),
      RECONNECT_FIRST_MS,
    );
    for (let i = 0; i < 6; i++) for (const site of sites) site.delayAfter(0);
    const late = tenths(
      sites.map((site) => site.delayAfter(0)),
      RECONNECT_MAX_MS,
    );
    for (const counts of [first, late]) {
      expect(counts).toHaveLength(10);
      expect(Math.min(...counts)).toBeGreaterThan(4_700);
      expect(Math.max(...counts)).toBeLessThan(5_300);
    }
  });

  it("begins with the first window after a connection that held for a minute, not after one that was lost at once", () => {
    const longest = (site: Reconnect, upFor: number): number => {
      let most = 0;
      for (let i = 0; i < 200; i++) {
        site.handleUp(0);
        most = Math.max(most, site.delayAfter(upFor));
      }
      return most;
    };
    expect(longest(new Reconnect(new SeededRandom(1)), 60_000)).toBeLessThanOrEqual(RECONNECT_FIRST_MS);
    const flapping = longest(new Reconnect(new SeededRandom(1)), 59_999);
    expect(flapping).toBeGreaterThan(RECONNECT_FIRST_MS);
    expect(flapping).toBeLessThanOrEqual(RECONNECT_MAX_MS);
  });
});
