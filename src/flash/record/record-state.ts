import { equalBytes } from "../../base/bytes.ts";
import { addRange, removeRange, type SectorRange } from "./sector-ranges.ts";

/** Images whose failed confirms are counted; beyond, the one counted longest ago is forgotten. */
export const FAILED_DIGESTS_MAX = 4;
/** Highest count of attempts and failed confirms. */
export const COUNT_MAX = 255;

/** An image that was received completely and verified in its slot. */
export interface SlotRecord {
  readonly slot: number;
  /** First 8 bytes of the digest of its manifest. */
  readonly digest8: Uint8Array;
  /** Manifest area that holds its manifest. */
  readonly area: number;
  /** Confirmed by its policy; otherwise on trial. */
  readonly isConfirmed: boolean;
  /** Whether its trial was given up. */
  readonly isReverted: boolean;
  /** Trial boots so far. */
  readonly attempts: number;
  /** Rises with each installation: the image of the higher rank is tried first. */
  readonly rank: number;
}

/** An image that is being received into a slot, which does not boot in the meantime. */
export interface ReceivingRecord {
  readonly slot: number;
  readonly digest8: Uint8Array;
  readonly area: number;
}

/** How often an image failed to confirm. */
export interface FailedConfirm {
  readonly digest8: Uint8Array;
  readonly count: number;
}

/** The state of the boot record. Immutable. */
export interface RecordState {
  readonly slots: readonly SlotRecord[];
  readonly receiving: ReceivingRecord | undefined;
  /** Sectors that were erased or programmed, and not verified since (PROTOCOL.md 13.2.3). */
  readonly openSectors: readonly SectorRange[];
  /** Images with a lower security counter are refused. Never decreases. */
  readonly counterFloor: number;
  readonly failedConfirms: readonly FailedConfirm[];
}

/** A change of the boot record: durable completely or not at all. */
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

/** The record of a new flash. */
export const EMPTY_RECORD: RecordState = {
  slots: [],
  receiving: undefined,
  openSectors: [],
  counterFloor: 0,
  failedConfirms: [],
};

/** The state after `event`. Replaying all events gives the same state. */
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

/** Number of failed confirms of an image. */
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
  // A trial is given up and counted in one step, so that a cut cannot count it twice or not at all.
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
