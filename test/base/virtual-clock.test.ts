import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import type { Timer } from "../../src/base/clock.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";

let clock: VirtualClock;
let fired: string[];

beforeEach(() => {
  clock = new VirtualClock();
  fired = [];
});

/** Sets a timer that notes its name and the time. */
function set(name: string, delay: number): Timer {
  return clock.after(delay, () => fired.push(`${name} at ${clock.now()}`));
}

describe("a virtual clock", () => {
  it("stands still until it is moved", () => {
    set("a", 0);
    expect(clock.now()).toBe(0);
    expect(fired).toEqual([]);
  });

  it("fires timers in the order of their times, each at its own time", () => {
    set("late", 30);
    set("early", 10);
    set("middle", 20.5);
    clock.advanceTo(100);
    expect(fired).toEqual(["early at 10", "middle at 20.5", "late at 30"]);
    expect(clock.now()).toBe(100);
  });

  it("fires timers of equal times in the order in which they were set", () => {
    const names = Array.from({ length: 50 }, (_, i) => `timer ${i}`);
    for (const name of names) set(name, 5);
    clock.advanceTo(5);
    expect(fired).toEqual(names.map((name) => `${name} at 5`));
  });

  it("fires a timer without delay only when it is moved, after those that were due before", () => {
    set("first", 0);
    set("negative", -5);
    expect(clock.runNext()).toBe(true);
    expect(fired).toEqual(["first at 0"]);
    clock.advanceTo(0);
    expect(fired).toEqual(["first at 0", "negative at 0"]);
  });

  it("runs one timer at a time, none behind the limit, and says whether it ran one", () => {
    set("a", 10);
    set("b", 20);
    expect(clock.runNext(15)).toBe(true);
    expect(clock.runNext(15)).toBe(false);
    expect(clock.now()).toBe(10);
    expect(clock.runNext()).toBe(true);
    expect(clock.runNext()).toBe(false);
    expect(fired).toEqual(["a at 10", "b at 20"]);
  });

  it("never goes backwards", () => {
    clock.advanceTo(50);
    clock.advanceTo(20);
    expect(clock.now()).toBe(50);
    set("a", 1);
    clock.advanceTo(60);
    expect(fired).toEqual(["a at 51"]);
  });

  it("fires timers that are set while it moves, if their time comes", () => {
    clock.after(10, () => {
      set("inner", 5);
      set("outer", 50);
    });
    clock.advanceTo(20);
    expect(fired).toEqual(["inner at 15"]);
  });

  it("does not fire a cancelled timer, and drops it at once", () => {
    const timers = Array.from({ length: 1000 }, (_, i) => set(`${i}`, i % 7));
    expect(clock.runningTimers).toBe(1000);
    for (const [i, timer] of timers.entries()) if (i !== 500) timer.cancel();
    expect(clock.runningTimers).toBe(1);
    clock.advanceTo(10);
    expect(fired).toEqual([`500 at ${500 % 7}`]);
    expect(clock.runningTimers).toBe(0);
  });

  it("holds no timer of a user that always moves one deadline", () => {
    let timer = set("0", 100);
    for (let i = 1; i < 10_000; i++) {
      timer.cancel();
      timer = set(`${i}`, 100);
    }
    expect(clock.runningTimers).toBe(1);
  });

  it("takes a cancel of a timer that has fired, was cancelled, or fires now, and harms no other", () => {
    const once = set("once", 1);
    set("other", 2);
    const self = clock.after(3, () => self.cancel());
    once.cancel();
    once.cancel();
    clock.advanceTo(3);
    once.cancel();
    set("last", 1);
    self.cancel();
    clock.advanceTo(10);
    expect(fired).toEqual(["other at 2", "last at 4"]);
  });
});

/** The same clock as a plain list that is searched each time. */
class NaiveClock {
  now = 0;
  #order = 0;
  #timers: { readonly at: number; readonly order: number; readonly name: number }[] = [];

  after(delay: number, name: number): void {
    this.#timers.push({ at: this.now + delay, order: this.#order++, name });
  }

  cancel(name: number): void {
    this.#timers = this.#timers.filter((timer) => timer.name !== name);
  }

  runNext(): number | undefined {
    const [next] = this.#timers.toSorted((a, b) => a.at - b.at || a.order - b.order);
    if (next === undefined) return undefined;
    this.now = next.at;
    this.cancel(next.name);
    return next.name;
  }

  get running(): number {
    return this.#timers.length;
  }
}

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("after" as const), value: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("cancel" as const), value: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("run" as const), value: fc.constant(0) }) },
);

property.prop([fc.array(command, { maxLength: 200, size: "max" })])(
  "a virtual clock fires the same timers at the same times as a list that is searched each time",
  (commands) => {
    const heap = new VirtualClock();
    const naive = new NaiveClock();
    const timers: Timer[] = [];
    let last: number | undefined;
    const runBoth = (): boolean => {
      last = undefined;
      heap.runNext();
      const expected = naive.runNext();
      expect(last).toBe(expected);
      expect(heap.now()).toBe(naive.now);
      return expected !== undefined;
    };
    for (const { verb, value } of commands) {
      if (verb === "after") {
        const name = timers.length;
        naive.after(value, name);
        timers.push(
          heap.after(value, () => {
            last = name;
          }),
        );
      } else if (verb === "run") runBoth();
      else if (timers.length > 0) {
        const name = value % timers.length;
        naive.cancel(name);
        timers[name]?.cancel();
      }
      expect(heap.runningTimers).toBe(naive.running);
    }
    while (runBoth()) {
      // until both are empty
    }
  },
);
