import { equalBytes } from "../../base/bytes.ts";
import { addRange, removeRange, type SectorRange } from "./sector-ranges.ts";

/** Digests of which failed confirms are remembered; the one seen longest ago gives way. */
export const FAILED_DIGESTS_MAX = 4;
/** Highest count kept of attempts and failed confirms. */
export const COUNT_MAX = 255;

/** An image that was received completely and verified in its slot. */
export interface SlotRecord {
  readonly slot: number;
  /** First 8 bytes of the digest of its manifest. */
  readonly digest8: Uint8Array;
  /** Which manifest area holds its manifest. */
  readonly area: number;
  /** Healthy by its confirm policy; else on trial. */
  readonly isConfirmed: boolean;
  /** The trial was given up. */
  readonly isReverted: boolean;
  /** Trial boots so far. */
  readonly attempts: number;
  /** The higher, the later it was installed: the higher one is tried first. */
  readonly rank: number;
}

/** An image whose blocks are on their way into a slot, which does not boot meanwhile. */
export interface ReceivingRecord {
  readonly slot: number;
  readonly digest8: Uint8Array;
  readonly area: number;
}

/** How often a digest failed to confirm. */
export interface FailedConfirm {
  readonly digest8: Uint8Array;
  readonly count: number;
}

/** All that the boot record says. Immutable. */
export interface RecordState {
  readonly slots: readonly SlotRecord[];
  readonly receiving: ReceivingRecord | undefined;
  /** Sectors that were erased or programmed and whose content was not verified since (protocol decision S11). */
  readonly openSectors: readonly SectorRange[];
  /** Images with a lower security counter are refused. Never falls. */
  readonly counterFloor: number;
  readonly failedConfirms: readonly FailedConfirm[];
}

/** One step of the boot record: durable wholly or not at all. */
export type RecordEvent =
  | { readonly tag: "installed"; readonly slot: SlotRecord; readonly floor: number }
  | { readonly tag: "slot"; readonly slot: SlotRecord; readonly floor: number }
  | { readonly tag: "receiving"; readonly receiving: ReceivingRecord }
  | {
      readonly tag: "sectors";
      readonly open?: SectorRange | undefined;
      readonly close?: SectorRange | undefined;
    }
  | { readonly tag: "floor"; readonly floor: number }
  | { readonly tag: "failed"; readonly failed: FailedConfirm };

/** The record of a flash that never held anything. */
export const EMPTY_RECORD: RecordState = {
  slots: [],
  receiving: undefined,
  openSectors: [],
  counterFloor: 0,
  failedConfirms: [],
};

/** The state after `event`. What a replay of the events gives, always. */
export function applyEvent(state: RecordState, event: RecordEvent): RecordState {
  switch (event.tag) {
    case "installed":
      return { ...applySlot(state, event.slot, event.floor), receiving: undefined };
    case "slot":
      return applySlot(state, event.slot, event.floor);
    case "receiving":
      return { ...state, receiving: event.receiving };
    case "sectors": {
      const closed =
        event.close === undefined ? state.openSectors : removeRange(state.openSectors, event.close);
      return { ...state, openSectors: event.open === undefined ? closed : addRange(closed, event.open) };
    }
    case "floor":
      return { ...state, counterFloor: Math.max(state.counterFloor, event.floor) };
    case "failed":
      return { ...state, failedConfirms: withFailed(state.failedConfirms, event.failed) };
  }
}

/** The events that, applied to {@link EMPTY_RECORD}, give `state`. */
export function snapshotEvents(state: RecordState): RecordEvent[] {
  return [
    { tag: "floor", floor: state.counterFloor },
    ...state.slots.map((slot) => ({ tag: "slot", slot, floor: state.counterFloor }) as const),
    ...(state.receiving === undefined ? [] : [{ tag: "receiving", receiving: state.receiving } as const]),
    ...state.failedConfirms.map((failed) => ({ tag: "failed", failed }) as const),
    ...state.openSectors.map((open) => ({ tag: "sectors", open }) as const),
  ];
}

/** Failed confirms of a digest. */
export function failedConfirms(state: RecordState, digest8: Uint8Array): number {
  return state.failedConfirms.find((failed) => equalBytes(failed.digest8, digest8))?.count ?? 0;
}

/** The image installed in `slot`, or undefined. */
export function slotRecord(state: RecordState, slot: number): SlotRecord | undefined {
  return state.slots.find((record) => record.slot === slot);
}

function applySlot(state: RecordState, next: SlotRecord, floor: number): RecordState {
  const old = slotRecord(state, next.slot);
  const slots = [...state.slots.filter((record) => record.slot !== next.slot), next];
  slots.sort((a, b) => a.slot - b.slot);
  // Giving a trial up and counting it is one step, so that a cut between the two cannot count it twice or never.
  const justReverted =
    next.isReverted && old !== undefined && !old.isReverted && equalBytes(old.digest8, next.digest8);
  const count = failedConfirms(state, next.digest8);
  let failed = state.failedConfirms;
  if (justReverted)
    failed = withFailed(failed, { digest8: next.digest8, count: Math.min(COUNT_MAX, count + 1) });
  if (next.isConfirmed && count > 0) failed = withFailed(failed, { digest8: next.digest8, count: 0 });
  return { ...state, slots, counterFloor: Math.max(state.counterFloor, floor), failedConfirms: failed };
}

function withFailed(list: readonly FailedConfirm[], next: FailedConfirm): FailedConfirm[] {
  const others = list.filter((failed) => !equalBytes(failed.digest8, next.digest8));
  return next.count === 0 ? others : [...others, next].slice(-FAILED_DIGESTS_MAX);
}
