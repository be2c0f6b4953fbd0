import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ExcusedTime } from "../../src/session/excused-time.ts";

const MINUTE = 60_000;

describe("a clock that stands still while somebody said that he needs time", () => {
  it("shows the real time while nobody said so", () => {
    const time = new ExcusedTime(1000, MINUTE);
    expect([time.counted(1000), time.counted(5000), time.realTime(7000)]).toEqual([1000, 5000, 7000]);
  });

  it("counts announcements that overlap once", () => {
    const time = new ExcusedTime(0, MINUTE);
    for (const at of [1000, 2000, 3000, 3000]) time.announce(at, 4000);
    expect([time.counted(3000), time.counted(7000), time.counted(8000)]).toEqual([1000, 1000, 2000]);
  });

  it("does not make an announcement shorter by another one", () => {
    const time = new ExcusedTime(0, MINUTE);
    time.announce(0, 5000);
    time.announce(1000, 0);
    expect(time.counted(6000)).toBe(1000);
  });

  it("runs again when the other side does, before its time is over", () => {
    const time = new ExcusedTime(0, MINUTE);
    time.announce(0, 10_000);
    time.endAnnounced(3000);
    expect([time.counted(4000), time.realTime(2000)]).toEqual([1000, 5000]);
  });

  it("stands still while own work runs, and names no time for what is due after it", () => {
    const time = new ExcusedTime(0, 0);
    time.setWorking(1000, true);
    expect([time.counted(50_000), time.realTime(2000)]).toEqual([1000, undefined]);
    time.setWorking(60_000, false);
    expect([time.counted(61_000), time.realTime(2000)]).toEqual([2000, 61_000]);
  });

  it("counts own work and an announcement at the same time once, and charges no budget for it", () => {
    const time = new ExcusedTime(0, 3000);
    time.announce(0, 10_000);
    time.setWorking(0, true);
    time.setWorking(8000, false);
    expect([time.counted(8000), time.announcedUntil, time.counted(12_000)]).toEqual([0, 10_000, 2000]);
  });

  it("tells own work from what was announced", () => {
    const time = new ExcusedTime(0, MINUTE);
    time.announce(0, 1000);
    time.setWorking(5000, true);
    time.setWorking(8000, false);
    expect([time.counted(9000), time.withoutWork(9000), time.isSpent]).toEqual([5000, 6000, false]);
  });

  it("knows when it stood last", () => {
    const time = new ExcusedTime(0, MINUTE);
    expect(time.lastStoodAt(10)).toBe(Number.NEGATIVE_INFINITY);
    time.announce(100, 50);
    expect([time.lastStoodAt(120), time.lastStoodAt(400)]).toEqual([120, 150]);
  });
});

describe("the budget of such a clock", () => {
  it("ends what is announced without end", () => {
    const time = new ExcusedTime(0, MINUTE);
    for (let at = 0; at < 5 * MINUTE; at += 1000) time.announce(at, 10_000);
    expect([time.counted(MINUTE), time.counted(5 * MINUTE)]).toEqual([0, 4 * MINUTE]);
    expect(time.isSpent).toBe(true);
    expect(time.realTime(4 * MINUTE + 1)).toBe(5 * MINUTE + 1);
  });

  it("grows with progress by the time that the bytes take at 1200 baud", () => {
    const time = new ExcusedTime(0, 1000);
    time.earn(120);
    for (let at = 0; at < 10_000; at += 100) time.announce(at, 1000);
    expect(time.counted(10_000)).toBe(8000);
  });

  property.prop([
    fc.array(
      fc.tuple(
        fc.constantFrom("announce", "end", "work", "idle", "pass"),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 20_000 }),
      ),
      { maxLength: 60 },
    ),
  ])("is never exceeded, the clock never goes back, and a time that it names is right", (steps) => {
    const budget = 30_000;
    const time = new ExcusedTime(0, budget);
    let [now, last, workingMs] = [0, 0, 0];
    let isWorking = false;
    for (const [what, pause, forMs] of steps) {
      now += pause;
      if (isWorking) workingMs += pause;
      if (what === "announce") time.announce(now, forMs);
      if (what === "end") time.endAnnounced(now);
      if (what === "work" || what === "idle") {
        isWorking = what === "work";
        time.setWorking(now, isWorking);
      }
      const counted = time.counted(now);
      expect(counted).toBeGreaterThanOrEqual(last);
      expect(now - counted).toBeLessThanOrEqual(budget + workingMs);
      last = counted;
    }
    time.setWorking(now, false);
    const at = time.realTime(last + 5000) ?? Number.NaN;
    expect(at).toBeGreaterThanOrEqual(now + 5000);
    expect(time.counted(at)).toBe(last + 5000);
  });
});
