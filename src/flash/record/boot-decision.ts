import type { BootFailure } from "../../base/refusal.ts";
import type { RecordState, SlotRecord } from "./record-state.ts";

/**
 * Trial boots of an image before it is reverted. More than one, because a power cut can end a trial of a good image.
 */
export const TRIAL_BOOTS_MAX = 3;

/** The image that a boot loader starts. */
export type BootDecision =
  | { readonly tag: "boot"; readonly slot: number; readonly isTrial: boolean }
  | { readonly tag: "recovery"; readonly reason: BootFailure };

/** When the decision is taken: to start an image, or while one runs, whose last trial boot may be counted already. */
export type BootMoment = "start" | "running";

/**
 * The boot decision (table in PROTOCOL.md "Boot decision"). `verify` says why the image in a slot may not be
 * executed, undefined if it may. It is called only where its answer matters, because it may hash a whole slot.
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

/** Why the boot record alone forbids booting `record`; undefined when it does not. */
function recordFailure(state: RecordState, record: SlotRecord, moment: BootMoment): BootFailure | undefined {
  if (state.receiving?.slot === record.slot) return "receiving";
  if (record.isReverted) return "reverted";
  const isUsedUp = record.attempts >= TRIAL_BOOTS_MAX && moment === "start";
  return !record.isConfirmed && isUsedUp ? "reverted" : undefined;
}
