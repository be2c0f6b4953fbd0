import { describe, expect, it } from "vitest";
import type { BootFailure } from "../../../src/base/refusal.ts";
import { type BootMoment, decideBoot, TRIAL_BOOTS_MAX } from "../../../src/flash/record/boot-decision.ts";
import { EMPTY_RECORD, type RecordState, type SlotRecord } from "../../../src/flash/record/record-state.ts";

function image(slot: number, rank: number, more: Partial<SlotRecord> = {}): SlotRecord {
  const digest = new Uint8Array(32).fill(slot + 1);
  return { slot, rank, digest, area: slot, isConfirmed: true, isReverted: false, attempts: 0, ...more };
}

function decide(
  state: Partial<RecordState>,
  verdicts: Record<number, BootFailure> = {},
  moment?: BootMoment,
): string {
  const decision = decideBoot({ ...EMPTY_RECORD, ...state }, (record) => verdicts[record.slot], moment);
  return decision.tag === "boot"
    ? `boot ${decision.slot}${decision.isTrial ? " trial" : ""}`
    : decision.reason;
}

const trial = { isConfirmed: false };
const spent = { isConfirmed: false, attempts: TRIAL_BOOTS_MAX };
const receivingInto = (slot: number): Partial<RecordState> => ({
  receiving: { slot, digest: new Uint8Array(32), area: 2 },
});

describe("decideBoot, one slot", () => {
  it.each<[string, Partial<RecordState>, Record<number, BootFailure>, string]>([
    ["nothing installed", {}, {}, "empty"],
    ["nothing installed, receiving", receivingInto(0), {}, "receiving"],
    ["confirmed", { slots: [image(0, 1)] }, {}, "boot 0"],
    ["confirmed but receiving over it", { slots: [image(0, 1)], ...receivingInto(0) }, {}, "receiving"],
    ["on trial", { slots: [image(0, 1, trial)] }, {}, "boot 0 trial"],
    [
      "on its last trial boot",
      { slots: [image(0, 1, { ...spent, attempts: TRIAL_BOOTS_MAX - 1 })] },
      {},
      "boot 0 trial",
    ],
    ["trial boots used up", { slots: [image(0, 1, spent)] }, {}, "reverted"],
    ["trial given up", { slots: [image(0, 1, { ...trial, isReverted: true })] }, {}, "reverted"],
    ["confirmed, whatever its attempts", { slots: [image(0, 1, { attempts: 255 })] }, {}, "boot 0"],
    ...(["hash", "signature", "manifest", "counter", "hardware"] as const).map(
      (reason): [string, Partial<RecordState>, Record<number, BootFailure>, string] => [
        `verification says ${reason}`,
        { slots: [image(0, 1)] },
        { 0: reason },
        reason,
      ],
    ),
  ])("%s", (_name, state, verdicts, expected) => {
    expect(decide(state, verdicts)).toBe(expected);
  });

  it("lets a running image continue in its last trial boot, but not one that was given up", () => {
    const last = { slots: [image(0, 1, spent)] };
    expect([decide(last, {}, "start"), decide(last, {}, "running")]).toEqual(["reverted", "boot 0 trial"]);
    const givenUp = { slots: [image(0, 1, { ...spent, isReverted: true })] };
    expect(decide(givenUp, {}, "running")).toBe("reverted");
  });
});

describe("decideBoot, two slots", () => {
  const both = { slots: [image(0, 1), image(1, 2)] };
  it.each<[string, Partial<RecordState>, Record<number, BootFailure>, string]>([
    ["the one installed last", both, {}, "boot 1"],
    ["the other when that is bad", both, { 1: "hash" }, "boot 0"],
    ["the reason of the one installed last when both are bad", both, { 0: "signature", 1: "hash" }, "hash"],
    ["the other while receiving into the last", { ...both, ...receivingInto(1) }, {}, "boot 0"],
    ["the last while receiving into the other", { ...both, ...receivingInto(0) }, {}, "boot 1"],
    ["receiving, when the one left is bad", { ...both, ...receivingInto(0) }, { 1: "hash" }, "receiving"],
    ["a trial", { slots: [image(0, 1), image(1, 2, trial)] }, {}, "boot 1 trial"],
    ["the confirmed one after a trial", { slots: [image(0, 1), image(1, 2, spent)] }, {}, "boot 0"],
    [
      "reverted, when the fallback is bad",
      { slots: [image(0, 1), image(1, 2, spent)] },
      { 0: "hash" },
      "reverted",
    ],
  ])("%s", (_name, state, verdicts, expected) => {
    expect(decide(state, verdicts)).toBe(expected);
  });

  it("does not verify a slot whose answer does not matter", () => {
    const asked: number[] = [];
    decideBoot({ ...EMPTY_RECORD, ...both }, (record) => {
      asked.push(record.slot);
      return undefined;
    });
    expect(asked).toEqual([1]);
  });
});

describe("a decision", () => {
  it("has the slot or the reason", () => {
    expect(decideBoot(EMPTY_RECORD, () => undefined)).toEqual({ tag: "recovery", reason: "empty" });
    const slots = [image(1, 1, trial)];
    const decision = decideBoot({ ...EMPTY_RECORD, slots }, () => undefined);
    expect(decision).toEqual({ tag: "boot", slot: 1, isTrial: true });
  });
});
