import { equalBytes } from "../../base/bytes.ts";
import { addRange, removeRange, type SectorRange } from "./sector-ranges.ts";

/** Images whose failed confirms are counted; beyond, the one counted longest ago is forgotten. */
export const FAILED_DIGESTS_MAX = 4;
/** Bytes of a short digest. */
const ADVICE_LENGTH = 8;
/** Highest count of attempts and failed confirms. */
export const COUNT_MAX = 255;

/** An image that was received completely and verified in its slot. */
export interface SlotRecord {
  readonly slot: number;
  /** Digest of its manifest, 32 bytes. */
  readonly digest: Uint8Array;
  /** Manifest area that holds its manifest. */
  readonly area: number;
  /** Confirmed by its policy; otherwise on trial. */
  readonly isConfirmed: boolean;
  /** Whether its trial was given up. */
  readonly isReverted: boolean;
  /** Boots so far: trial boots, or those of an image that is not proven. */
  readonly attempts: number;
  /**
   * Only of a confirmed image: it was confirmed before it ran. The counter floor waits until it did (PROTOCOL.md 13.4).
   * Absent when it is proven.
   */
  readonly isUnproven?: true;
  /** Rises with each installation: the image of the higher rank is tried first. */
  readonly rank: number;
}

/** An image that is being received into a slot, which does not boot in the meantime. */
export interface ReceivingRecord {
  readonly slot: number;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** Manifest area that holds its manifest: all of it, since this is recorded once it was programmed. */
  readonly area: number;
}

/** How often an image failed to confirm. */
export interface FailedConfirm {
  /** Short digest, which is advice: no more follows from it than that an image is taken later. */
  readonly adviceDigest8: Uint8Array;
  readonly count: number;
}

/** What images are ordered by: the sequence number, then the version (PROTOCOL.md 8.5). */
export interface RecordedOrder {
  /** 48 bits. */
  readonly sequence: number;
  readonly version: { readonly major: number; readonly minor: number; readonly patch: number };
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
  /** Order of the confirmed image that was given up for a newer one; see {@link leastOrder}. */
  readonly givenUp?: RecordedOrder;
  /** While the floor is 0: an image was confirmed, with counter 0. See {@link hasConfirmed}. */
  readonly wasConfirmed?: true;
  /** Starts counted for nonces that must not repeat, a u32 (PROTOCOL.md 13.2.5). Never decreases. */
  readonly starts: number;
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
  | { readonly tag: "floor"; readonly floor: number; readonly wasConfirmed?: true }
  | { readonly tag: "failed"; readonly failed: FailedConfirm }
  /** `order` is that of an image which is given up; undefined forgets it. */
  | { readonly tag: "order"; readonly order: RecordedOrder | undefined }
  | { readonly tag: "nonces"; readonly starts: number };

/** The record of a new flash. */
export const EMPTY_RECORD: RecordState = {
  slots: [],
  receiving: undefined,
  openSectors: [],
  counterFloor: 0,
  failedConfirms: [],
  starts: 0,
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
    case "floor": {
      return withFloor(state, event.floor, event.wasConfirmed === true);
    }
    case "failed":
      return { ...state, failedConfirms: withFailed(state.failedConfirms, event.failed) };
    case "order": {
      const { givenUp: _, ...rest } = state;
      return event.order === undefined ? rest : { ...rest, givenUp: event.order };
    }
    case "nonces":
      return { ...state, starts: Math.max(state.starts, event.starts) };
  }
}

/** The events that, applied to {@link EMPTY_RECORD}, give `state`. */
export function snapshotEvents(state: RecordState): RecordEvent[] {
  const { counterFloor: floor, givenUp, wasConfirmed, starts } = state;
  return [
    { tag: "floor", floor, ...(wasConfirmed === undefined ? {} : { wasConfirmed }) },
    ...state.slots.map((slot) => ({ tag: "slot", slot, floor: state.counterFloor }) as const),
    // Behind the slots: a confirmed one would forget it.
    ...(givenUp === undefined ? [] : [{ tag: "order", order: givenUp } as const]),
    ...(state.receiving === undefined ? [] : [{ tag: "receiving", receiving: state.receiving } as const]),
    ...state.failedConfirms.map((failed) => ({ tag: "failed", failed }) as const),
    ...state.openSectors.map((open) => ({ tag: "sectors", open }) as const),
    ...(starts === 0 ? [] : [{ tag: "nonces", starts } as const]),
  ];
}

/**
 * The order below which no image is taken, also by a board that does not boot (PROTOCOL.md 13.5): the confirmed image
 * that was given up for a newer one had it, and no image was confirmed since. Undefined when there is none. An order
 * that was noted, but whose image was not given up in the end, does not count.
 */
export function leastOrder(state: RecordState): RecordedOrder | undefined {
  const isGivenUp = state.receiving !== undefined || state.slots.every((slot) => !slot.isConfirmed);
  return isGivenUp ? state.givenUp : undefined;
}

/** Whether two orders, or none, are the same. */
export function isSameOrder(a: RecordedOrder | undefined, b: RecordedOrder | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const { major, minor, patch } = a.version;
  const isSameVersion = b.version.major === major && b.version.minor === minor && b.version.patch === patch;
  return a.sequence === b.sequence && isSameVersion;
}

/**
 * Whether this board ever had an image that was confirmed and ran, or that its owner confirmed. It stays so whatever
 * becomes of the slots.
 */
export function hasConfirmed({ counterFloor, wasConfirmed }: RecordState): boolean {
  return counterFloor > 0 || wasConfirmed === true;
}

/** Number of failed confirms of an image, or of others whose short digest, the advice, is the same. */
export function failedConfirms(state: RecordState, digest: Uint8Array): number {
  const advice = digest.subarray(0, ADVICE_LENGTH);
  return state.failedConfirms.find((failed) => equalBytes(failed.adviceDigest8, advice))?.count ?? 0;
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
    next.isReverted && old !== undefined && !old.isReverted && equalBytes(old.digest, next.digest);
  const adviceDigest8 = next.digest.subarray(0, ADVICE_LENGTH);
  const count = failedConfirms(state, next.digest);
  let failed = state.failedConfirms;
  if (justReverted) failed = withFailed(failed, { adviceDigest8, count: Math.min(COUNT_MAX, count + 1) });
  if (next.isConfirmed && count > 0) failed = withFailed(failed, { adviceDigest8, count: 0 });
  const { givenUp, ...rest } = state;
  // A confirmed image in the slot is the one that counts from now on.
  const kept = givenUp === undefined || next.isConfirmed ? {} : { givenUp };
  const changed = { ...rest, slots, failedConfirms: failed, ...kept };
  return withFloor(changed, floor, next.isConfirmed && next.isUnproven !== true);
}

/** The state with a floor of at least `floor`, in which an image was confirmed, or not just now. */
function withFloor(
  { wasConfirmed, ...state }: RecordState,
  floor: number,
  isConfirmed: boolean,
): RecordState {
  const counterFloor = Math.max(state.counterFloor, floor);
  const isMarked = counterFloor === 0 && (wasConfirmed === true || isConfirmed);
  return { ...state, counterFloor, ...(isMarked ? { wasConfirmed: true } : {}) };
}

function withFailed(list: readonly FailedConfirm[], next: FailedConfirm): FailedConfirm[] {
  const others = list.filter((failed) => !equalBytes(failed.adviceDigest8, next.adviceDigest8));
  return next.count === 0 ? others : [...others, next].slice(-FAILED_DIGESTS_MAX);
}
