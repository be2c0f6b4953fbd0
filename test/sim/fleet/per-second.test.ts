import { describe, expect, it } from "vitest";
import { PerSecond } from "../../../src/sim/fleet/per-second.ts";

describe("a count per second", () => {
  it("has the sum and the most of the seconds that it is asked for", () => {
    const counts = new PerSecond();
    for (const at of [0, 999, 1000, 2500, 2600, 2700]) counts.add(at);
    expect([counts.total, counts.sum(0), counts.sum(1000, 2000), counts.sum(3000)]).toEqual([6, 6, 1, 0]);
    expect([counts.peak(), counts.peak(0, 2000), counts.peak(1000, 2000)]).toEqual([3, 2, 1]);
  });

  it("grows with the time, and holds a day", () => {
    const counts = new PerSecond();
    counts.add(86_400_000, 5);
    expect([counts.peak(), counts.peak(0, 86_400_000), counts.sum(86_400_000)]).toEqual([5, 0, 5]);
  });

  it("spreads an amount evenly over a time, and loses nothing of it", () => {
    const counts = new PerSecond();
    counts.spread(500, 3000, 250);
    expect([counts.sum(0, 1000), counts.sum(1000, 2000), counts.sum(2000, 3000)]).toEqual([50, 100, 100]);
  });
});
