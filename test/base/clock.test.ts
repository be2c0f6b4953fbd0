import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";

/** Resolves when a timer of this delay fires, with the time that passed. */
function waited(delay: number): Promise<number> {
  const start = systemClock.now();
  return new Promise((resolve) => {
    systemClock.after(delay, () => resolve(systemClock.now() - start));
  });
}

describe("the system's clock", () => {
  it("never goes backwards", () => {
    let last = systemClock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = systemClock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it("fires after the delay, and a negative delay soon", async () => {
    // Timers of Node may fire up to a millisecond early.
    expect(await waited(20)).toBeGreaterThan(18);
    expect(await waited(-1000)).toBeLessThan(1000);
  });

  it("does not fire a timer that was cancelled, and takes a cancel after it has fired", async () => {
    let fired = 0;
    const timer = systemClock.after(0, () => fired++);
    systemClock.after(0, () => fired++).cancel();
    await waited(10);
    expect(fired).toBe(1);
    timer.cancel();
  });
});
