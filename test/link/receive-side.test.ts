import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { TimerTable } from "../../src/base/timer-table.ts";
import type { LinkTimers } from "../../src/link/link-timers.ts";
import { ReceiveSide } from "../../src/link/receive-side.ts";
import { ACK_BITMAP_LENGTH, ACK_REACH, IN_FLIGHT_MAX } from "../../src/wire/constants.ts";
import type { Ack } from "../../src/wire/messages.ts";

/** A receiving half, and the table in which it runs its timer. */
function receiving(): { side: ReceiveSide; timers: LinkTimers } {
  const timers: LinkTimers = new TimerTable();
  return { side: new ReceiveSide(timers), timers };
}

const low = (number: number): number => number & 0xfff;

function receive(side: ReceiveSide, now: number, ...numbers: number[]): boolean[] {
  const probe = (number: number) => ({ tag: "probe", packetNumber: low(number) }) as const;
  return numbers.map((number) => side.receive(now, probe(number)).isNew);
}

function takeAck(side: ReceiveSide, now: number): Ack {
  return side.takeAck(now) ?? expect.fail("no ack is due");
}

/** The packets that an ack says have arrived, given the highest of them. */
function arrivedIn(ack: Ack, highest: number): number[] {
  const out: number[] = [];
  for (let back = 0; back < ACK_BITMAP_LENGTH * 8; back++) {
    if (((ack.bitmap[back >> 3] ?? 0) & (1 << (back & 7))) !== 0) out.push(highest - back);
  }
  return out.reverse();
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("when an ack is due", () => {
  it("is never before the first packet", () => {
    const { side, timers } = receiving();
    side.ackNow(5);
    expect(timers.at("ack")).toBeUndefined();
    expect(side.takeAck(100)).toBeUndefined();
  });

  it("is 8 ms after a packet, not later for the ones that follow", () => {
    const { side, timers } = receiving();
    receive(side, 10, 0);
    receive(side, 15, 1);
    expect(timers.at("ack")).toBe(18);
    expect(side.takeAck(17.9)).toBeUndefined();
    expect(takeAck(side, 18)).toMatchObject({ highest: 1, delayMs: 3 });
    expect(timers.at("ack")).toBeUndefined();
  });

  it("is at once after eight packets", () => {
    const { side, timers } = receiving();
    receive(side, 10, ...range(0, 7));
    expect(timers.at("ack")).toBe(18);
    receive(side, 11, 7);
    expect(timers.at("ack")).toBe(11);
    takeAck(side, 11);
    receive(side, 12, ...range(8, 15));
    expect(timers.at("ack")).toBe(20);
  });

  it("is at once when asked for, for a probe or a complete block", () => {
    const { side } = receiving();
    receive(side, 10, 0);
    side.ackNow(12);
    expect(takeAck(side, 12)).toMatchObject({ highest: 0, delayMs: 2 });
  });

  it("is at once on a gap, and once more 8 ms later, so that each loss is in two acks", () => {
    const { side, timers } = receiving();
    receive(side, 0, 0, 2);
    expect(arrivedIn(takeAck(side, 0), 2)).toEqual([0, 2]);
    expect(timers.at("ack")).toBe(8);
    expect(side.takeAck(7)).toBeUndefined();
    expect(arrivedIn(takeAck(side, 8), 2)).toEqual([0, 2]);
    expect(timers.at("ack")).toBeUndefined();
  });

  it("starts the two reports again when a second gap comes between them", () => {
    const { side, timers } = receiving();
    receive(side, 0, 0, 2);
    takeAck(side, 0);
    receive(side, 3, 4);
    expect(arrivedIn(takeAck(side, 3), 4)).toEqual([0, 2, 4]);
    takeAck(side, 11);
    expect(timers.at("ack")).toBeUndefined();
  });

  it("sees packets lost before the first one as a gap", () => {
    const { side, timers } = receiving();
    receive(side, 0, 3);
    expect(timers.at("ack")).toBe(0);
    expect(arrivedIn(takeAck(side, 0), 3)).toEqual([3]);
  });
});

describe("the content of an ack", () => {
  it("names duplicates as such and acks them, because the first ack may be the frame that was lost", () => {
    const { side, timers } = receiving();
    expect(receive(side, 0, 0, 1, 1, 0)).toEqual([true, true, false, false]);
    takeAck(side, 8);
    expect(receive(side, 20, 1)).toEqual([false]);
    expect(timers.at("ack")).toBe(28);
    expect(arrivedIn(takeAck(side, 28), 1)).toEqual([0, 1]);
  });

  it("reaches 112 packets back, and takes what is older for old", () => {
    const { side } = receiving();
    receive(side, 0, 0);
    receive(side, 0, ACK_REACH - 1);
    expect(arrivedIn(takeAck(side, 0), ACK_REACH - 1)).toEqual([0, ACK_REACH - 1]);
    expect(receive(side, 1, 1)).toEqual([true]);
    receive(side, 1, ACK_REACH);
    expect(arrivedIn(takeAck(side, 10), ACK_REACH)).toEqual([1, ACK_REACH - 1, ACK_REACH]);
    expect(receive(side, 11, 0)).toEqual([false]);
  });

  it("keeps the low 16 bits of the highest number", () => {
    const { side } = receiving();
    for (let number = 0; number <= 0x1_0000; number += 0x400) receive(side, 0, number);
    receive(side, 0, 0x1_0001);
    expect(takeAck(side, 0)).toMatchObject({ highest: 1 });
  });

  it("does not change after it was taken", () => {
    const { side } = receiving();
    receive(side, 0, 0);
    const ack = takeAck(side, 8);
    receive(side, 9, 1);
    expect(arrivedIn(ack, 0)).toEqual([0]);
  });

  // Steps from the highest packet: mostly forward by one, some gaps of up to the in-flight limit, some late or twice.
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant(1) },
    { weight: 2, arbitrary: fc.integer({ min: 2, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 21, max: IN_FLIGHT_MAX }) },
    { weight: 2, arbitrary: fc.integer({ min: -ACK_REACH - 20, max: 0 }) },
  );

  property.prop([fc.array(step, { minLength: 1, maxLength: 200, size: "max" })], { numRuns: 200 })(
    "equals a plain set of the arrived packets, after any steps",
    (steps) => {
      const { side } = receiving();
      const arrived = new Set<number>();
      let highest = -1;
      for (const [now, forward] of steps.entries()) {
        const number = highest + forward;
        if (number < 0) continue;
        const isNew = !arrived.has(number) && highest - number < ACK_REACH;
        expect(receive(side, now, number)).toEqual([isNew]);
        if (isNew) arrived.add(number);
        highest = Math.max(highest, number);
        side.ackNow(now);
        const ack = takeAck(side, now);
        expect(ack.highest).toBe(highest & 0xffff);
        const within = range(Math.max(0, highest - ACK_REACH + 1), highest + 1).filter((n) => arrived.has(n));
        expect(arrivedIn(ack, highest)).toEqual(within);
      }
    },
  );
});
