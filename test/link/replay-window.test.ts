import { describe, expect, it } from "vitest";
import { ReplayWindow } from "../../src/link/replay-window.ts";

function windowAfter(...counters: number[]): ReplayWindow {
  const window = new ReplayWindow();
  for (const counter of counters) window.take(counter);
  return window;
}

describe("a replay window", () => {
  it("takes counters in any order, each once", () => {
    const window = windowAfter();
    for (const counter of [0, 3, 1, 2, 40, 7]) {
      expect(window.accepts(counter)).toBe(true);
      window.take(counter);
      expect(window.accepts(counter)).toBe(false);
    }
    expect(window.accepts(4)).toBe(true);
  });

  it("reaches back 64 counters, the highest among them", () => {
    const window = windowAfter(1000);
    expect(window.accepts(1000 - 63)).toBe(true);
    expect(window.accepts(1000 - 64)).toBe(false);
    expect(window.accepts(0)).toBe(false);
  });

  it("still knows after a jump each counter within its reach that it took", () => {
    const window = windowAfter(10, 20, 70);
    expect([10, 20, 70].map((counter) => window.accepts(counter))).toEqual([false, false, false]);
    expect([11, 19, 69].map((counter) => window.accepts(counter))).toEqual([true, true, true]);
  });

  it("records a counter only when told to: a forged frame changes nothing", () => {
    const window = windowAfter(5);
    expect(window.accepts(0xffff_ffff)).toBe(true);
    expect(window.accepts(6)).toBe(true);
    window.take(0xffff_ffff);
    expect(window.accepts(6)).toBe(false);
    expect(window.accepts(0xffff_fffe)).toBe(true);
  });
});
