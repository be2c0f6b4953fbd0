import type { BootFailure } from "../../base/refusal.ts";
import type { RecordState, SlotRecord } from "./record-state.ts";

/** Boots that an image on trial gets before it is given up. More than one: a power cut during a trial is no verdict. */
export const TRIAL_BOOTS_MAX = 3;

/** What a boot loader does with the slots. */
export type BootDecision =
  | { readonly tag: "boot"; readonly slot: number; readonly isTrial: boolean }
  | { readonly tag: "recovery"; readonly reason: BootFailure };

/** When the decision is taken: to start something, or for what runs already and had its last trial boot counted. */
export type BootMoment = "start" | "running";

/**
 * The boot decision (table in PROTOCOL.md "Boot decision"). `verify` tells why the image in a slot may not be
 * executed, or undefined; it is asked only where the answer counts, as it may hash a whole slot.
 */
export function decideBoot(
  state: RecordState,
  verify: (record: SlotRecord) => BootFailure | undefined,
  moment: BootMoment = "start",
): BootDecision {
  let reason: BootFailure | undefined = state.receiving === undefined ? undefined : "receiving";
  for (const record of [...state.slots].sort((a, b) => b.rank - a.rank)) {
    const failure = recordFailure(state, record, moment) ?? verify(record);
    if (failure === undefined) return { tag: "boot", slot: record.slot, isTrial: !record.isConfirmed };
    reason ??= failure;
  }
  return { tag: "recovery", reason: reason ?? "empty" };
}

/** Why the record alone forbids to boot `record`, or undefined. */
function recordFailure(state: RecordState, record: SlotRecord, moment: BootMoment): BootFailure | undefined {
  if (state.receiving?.slot === record.slot) return "receiving";
  if (record.isReverted) return "reverted";
  const isUsedUp = record.attempts >= TRIAL_BOOTS_MAX && moment === "start";
  return !record.isConfirmed && isUsedUp ? "reverted" : undefined;
}
