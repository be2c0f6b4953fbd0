import { equalBytes } from "../base/bytes.ts";
import {
  type RecordEvent,
  type RecordState,
  type SlotRecord,
  slotRecord,
} from "../flash/record/record-state.ts";
import type { Manifest } from "../image/manifest.ts";

/**
 * What commits an image that was received into `place` and verified there (PROTOCOL.md 13.4). `triesAll`: also one that its
 * policy would confirm is on trial.
 */
export function installedEvent(
  state: RecordState,
  place: Pick<SlotRecord, "slot" | "area" | "digest">,
  manifest: Manifest,
  triesAll = false,
): RecordEvent {
  const old = slotRecord(state, place.slot);
  const wasConfirmed = old?.isConfirmed === true && equalBytes(old.digest, place.digest);
  const isProven = wasConfirmed && old.isUnproven !== true;
  const isConfirmed = (manifest.confirm === "on-verify" && !triesAll) || wasConfirmed;
  const rank = 1 + Math.max(0, ...state.slots.map((other) => other.rank));
  return {
    tag: "installed",
    slot: {
      ...place,
      isConfirmed,
      isReverted: false,
      attempts: 0,
      rank,
      // Nothing raises the floor, and ends the way back, before the image ran.
      ...(isConfirmed && !isProven ? { isUnproven: true } : {}),
    },
    floor: isProven ? manifest.counter : 0,
  };
}

/** The slot once its image is proven: it ran, or its owner confirmed it. */
export function provenSlot({ isUnproven: _, ...slot }: SlotRecord): SlotRecord {
  return { ...slot, isConfirmed: true, attempts: 0 };
}
