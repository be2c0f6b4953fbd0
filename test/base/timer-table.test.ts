import { fc, test as property } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { TimerTable } from "../../src/base/timer-table.ts";

type Timer = "ack" | "probe" | "giveUp";
const NAMES: readonly Timer[] = ["ack", "probe", "giveUp"];

let timers: TimerTable<Timer>;

beforeEach(() => {
  timers = new TimerTable();
});

describe("a timer table", () => {
  it("has nothing due and no next deadline while no timer runs", () => {
    expect(timers.next()).toBeUndefined();
    for (const name of NAMES) {
      expect(timers.at(name)).toBeUndefined();
      expect(timers.isDue(name, Number.POSITIVE_INFINITY)).toBe(false);
      expect(timers.take(name, Number.POSITIVE_INFINITY)).toBe(false);
    }
  });

  it("gives the earliest deadline, whichever timer was set first", () => {
    timers.set("probe", 30);
    timers.set("ack", 10);
    timers.set("giveUp", 20);
    expect(timers.next()).toBe(10);
    timers.clear("ack");
    expect(timers.next()).toBe(20);
  });

  it("has a timer due at its deadline and after it, not before", () => {
    timers.set("ack", 10);
    expect([9.999, 10, 11].map((now) => timers.isDue("ack", now))).toEqual([false, true, true]);
  });

  it("moves a timer that is set again, to an earlier or to a later time", () => {
    timers.set("ack", 10);
    timers.set("ack", 5);
    expect(timers.next()).toBe(5);
    timers.set("ack", 50);
    expect(timers.next()).toBe(50);
  });

  it("takes a timer that is due, once, and leaves one that is not", () => {
    timers.set("ack", 10);
    expect(timers.take("ack", 9)).toBe(false);
    expect(timers.at("ack")).toBe(10);
    expect(timers.take("ack", 10)).toBe(true);
    expect(timers.at("ack")).toBeUndefined();
    expect(timers.take("ack", 10)).toBe(false);
  });

  it("keeps times without end: always due, and never due", () => {
    timers.set("ack", Number.POSITIVE_INFINITY);
    expect(timers.next()).toBe(Number.POSITIVE_INFINITY);
    timers.set("probe", Number.NEGATIVE_INFINITY);
    expect(timers.next()).toBe(Number.NEGATIVE_INFINITY);
    expect(timers.isDue("probe", -1e9)).toBe(true);
  });

  it("refuses a deadline that is no number", () => {
    expect(() => timers.set("ack", Number.NaN)).toThrow("timer ack at NaN");
  });

  const command = fc.record({
    verb: fc.constantFrom("set", "clear", "take" as const),
    name: fc.constantFrom(...NAMES),
    time: fc.integer({ min: 0, max: 20 }),
  });
  property.prop([fc.array(command, { maxLength: 40 })])(
    "agrees with a plain list of deadlines",
    (commands) => {
      const table = new TimerTable<Timer>();
      let model: { readonly name: Timer; readonly at: number }[] = [];
      for (const { verb, name, time } of commands) {
        const known = model.find((entry) => entry.name === name);
        const others = model.filter((entry) => entry.name !== name);
        if (verb === "set") {
          table.set(name, time);
          model = [...others, { name, at: time }];
        } else if (verb === "clear") {
          table.clear(name);
          model = others;
        } else {
          const isDue = known !== undefined && known.at <= time;
          expect(table.take(name, time)).toBe(isDue);
          if (isDue) model = others;
        }
        expect(NAMES.map((each) => table.at(each))).toEqual(
          NAMES.map((each) => model.find((entry) => entry.name === each)?.at),
        );
        const times = model.map(({ at }) => at);
        expect(table.next()).toBe(times.length === 0 ? undefined : Math.min(...times));
      }
    },
  );
});
