import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { EventQueue, WAITING_EVENTS_MAX } from "../../src/node/event-queue.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";

function rig(): { clock: VirtualClock; queue: EventQueue; told: NodeEvent[] } {
  const clock = new VirtualClock();
  const told: NodeEvent[] = [];
  return { clock, queue: new EventQueue(clock, (event) => told.push(event)), told };
}

const event = (text: string): NodeEvent => ({ event: "console", link: "L", text });

describe("an event queue", () => {
  it("delivers nothing while the caller runs, and everything in order afterwards", () => {
    const { clock, queue, told } = rig();
    for (const text of ["a", "b"]) queue.push(event(text));
    expect(told).toEqual([]);
    clock.runNext();
    expect(told).toEqual([event("a"), event("b")]);
  });

  it("holds events until the last of several pending answers is given", async () => {
    const { clock, queue, told } = rig();
    const give: (() => void)[] = [];
    const answers = [0, 1].map(() => queue.whileAnswering(new Promise((resolve) => void give.push(resolve))));
    queue.push(event("a"));
    clock.advanceTo(1000);
    give[0]?.();
    await answers[0];
    clock.advanceTo(2000);
    expect(told).toEqual([]);
    give[1]?.();
    await answers[1];
    clock.advanceTo(3000);
    expect(told).toEqual([event("a")]);
  });

  it("delivers events after an answer that fails", async () => {
    const { clock, queue, told } = rig();
    const answer = queue.whileAnswering(Promise.reject(new Error("no such disk")));
    queue.push(event("a"));
    await expect(answer).rejects.toThrow("no such disk");
    clock.runNext();
    expect(told).toEqual([event("a")]);
  });

  it("holds a bounded number of events, and delivers all of them when more arrive", () => {
    const { queue, told } = rig();
    void queue.whileAnswering(new Promise(() => {}));
    const events = Array.from({ length: WAITING_EVENTS_MAX + 1 }, (_, i) => event(String(i)));
    for (const one of events.slice(0, -1)) queue.push(one);
    expect(told).toEqual([]);
    for (const one of events.slice(-1)) queue.push(one);
    expect(told).toEqual(events);
  });

  it("delivers everything on flush, once", () => {
    const { clock, queue, told } = rig();
    queue.push(event("a"));
    queue.flush();
    expect(told).toEqual([event("a")]);
    clock.advanceTo(10);
    expect(told).toHaveLength(1);
  });
});
