import { describe, expect, it, test } from "vitest";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

type Held = { readonly session: number; readonly answer: () => void };

/** A rescue whose effects of one kind are held back: each with its session, to be answered when the test says so. */
function holding(
  tag: (TargetEvent | RescuerEvent)["tag"],
  options: Partial<VirtualRescueOptions> = {},
): { rescue: VirtualRescue; held: Held[]; isHolding: { value: boolean } } {
  const held: Held[] = [];
  const isHolding = { value: true };
  const hold = (event: TargetEvent | RescuerEvent, proceed: () => void): void => {
    if (isHolding.value && event.tag === tag && "session" in event)
      held.push({ session: event.session, answer: proceed });
    else proceed();
  };
  const rescue = new VirtualRescue({
    seed: 5,
    size: 32_768,
    onTargetEvent: hold,
    onRescuerEvent: hold,
    ...options,
  });
  return { rescue, held, isHolding };
}

const reports = (rescue: VirtualRescue): number => rescue.targetEvents.length + rescue.rescuerEvents.length;

/** Runs until an effect of a later session than the first held one is held too; gives the first. */
function untilNextSession(rescue: VirtualRescue, held: readonly Held[], restart: () => void): Held {
  expect(rescue.run(60_000, () => held.length > 0)).toBe(true);
  const [late] = held;
  if (late === undefined) throw new Error("no effect was held");
  restart();
  expect(rescue.run(600_000, () => held.some(({ session }) => session !== late.session))).toBe(true);
  return late;
}

describe("an answer to an effect of a session that is over (fault F12 of the protocol review)", () => {
  test.each(["checkManifest", "checkRun", "writeBlock", "commit"] as const)(
    "is dropped by the target's next session: %s",
    (tag) => {
      const { rescue, held, isHolding } = holding(tag);
      const late = untilNextSession(rescue, held, () => {
        // A target whose own work runs waits for no rescuer, but hears one that leaves.
        rescue.rescuerEnd.stop();
        rescue.pump();
        rescue.run(50, () => false);
        rescue.restartRescuer();
      });
      const before = reports(rescue);
      // Only the answer comes late; a board that had committed would be well.
      if (tag === "commit") rescue.target.handleCommitted(rescue.clock.now(), late.session, undefined);
      else late.answer();
      rescue.pump();
      expect(reports(rescue)).toBe(before);
      isHolding.value = false;
      for (const { session, answer } of held) if (session !== late.session) answer();
      expect(rescue.run()).toBe(true);
      expect(rescue.flashed).toEqual(rescue.data);
    },
  );

  test.each(["readRun", "readBlock"] as const)("is dropped by the rescuer's next session: %s", (tag) => {
    const { rescue, held, isHolding } = holding(tag, { slot: new Uint8Array(32_768) });
    const late = untilNextSession(rescue, held, () => rescue.restartTarget());
    const sent = rescue.rescuerEnd.counters.framesSent;
    late.answer();
    rescue.run(20, () => false);
    expect(rescue.rescuerEnd.counters.framesSent).toBe(sent);
    isHolding.value = false;
    for (const { session, answer } of held) if (session !== late.session) answer();
    expect(rescue.run()).toBe(true);
    expect(rescue.flashed).toEqual(rescue.data);
  });

  it("is dropped by a rescuer that meanwhile picks for another call", () => {
    const { rescue, held, isHolding } = holding("pick");
    const late = untilNextSession(rescue, held, () => rescue.restartTarget());
    late.answer();
    expect(rescue.rescuerEvents.some(({ tag }) => tag === "offered")).toBe(false);
    isHolding.value = false;
    held.at(-1)?.answer();
    expect(rescue.run()).toBe(true);
  });

  it("is dropped when another role has taken the link, whose sessions get other numbers", () => {
    const { rescue, held } = holding("checkManifest");
    expect(rescue.run(60_000, () => held.length > 0)).toBe(true);
    const [late] = held;
    const next = rescue.targetEnd.nextSession();
    expect(next).toBeGreaterThan(late?.session ?? Number.POSITIVE_INFINITY);
    rescue.targetEnd.stop();
    const before = reports(rescue);
    late?.answer();
    expect(reports(rescue)).toBe(before);
  });
});
