import { equalBytes } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { NotBootableError } from "../base/errors.ts";
import type { BootFailure } from "../base/refusal.ts";
import { type BootMoment, decideBoot, TRIAL_BOOTS_MAX } from "../flash/record/boot-decision.ts";
import type { SlotRecord } from "../flash/record/record-state.ts";
import { slotRecord } from "../flash/record/record-state.ts";
import { verifyEnvelope } from "../image/envelope.ts";
import { isSameHardware } from "../image/hardware.ts";
import { blockLength, type Manifest } from "../image/manifest.ts";
import { foldRun, leafHash } from "../image/merkle.ts";
import type { BoardParts } from "./board-parts.ts";
import { provenSlot } from "./installed-slot.ts";
import { readManifest } from "./manifest-area.ts";

/** An image in a slot, just verified completely. */
export interface VerifiedImage {
  readonly slot: number;
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  /** Leaf hashes of the bytes that were read, joined, for comparison when the slot is read again. */
  readonly leaves: Uint8Array;
}

/** What the board does at power-on. */
export type BootOutcome =
  | { readonly tag: "boot"; readonly slot: number; readonly isTrial: boolean; readonly image: VerifiedImage }
  | { readonly tag: "recovery"; readonly reason: BootFailure };

/**
 * The boot decision. Reads and verifies everything from flash, except `known`, which was just verified. Changes
 * nothing.
 */
export function bootBoard(parts: BoardParts, known?: VerifiedImage, moment?: BootMoment): BootOutcome {
  let verified: VerifiedImage | undefined;
  const verify = (record: SlotRecord): BootFailure | undefined => {
    const isKnown = known?.slot === record.slot && equalBytes(known.digest, record.digest);
    const image = isKnown ? known : verifySlot(parts, record);
    if (typeof image === "string") return image;
    verified = image;
    return undefined;
  };
  const decision = decideBoot(parts.record.state, verify, moment);
  if (decision.tag === "recovery" || verified === undefined) {
    return decision.tag === "recovery" ? decision : { tag: "recovery", reason: "hash" };
  }
  return { ...decision, image: verified };
}

/**
 * The boot decision as a boot loader takes it: counts a trial boot before it happens, and gives up a trial that had
 * all its boots, which counts as a failed confirm. The first boot of an image that was confirmed by its policy is
 * counted too; the attempt after it raises the counter floor. `known` is as in {@link bootBoard}.
 */
export function attemptBoot(parts: BoardParts, known?: VerifiedImage): BootOutcome {
  const { record } = parts;
  for (const slot of record.state.slots) {
    if (slot.isConfirmed || slot.isReverted || slot.attempts < TRIAL_BOOTS_MAX) continue;
    record.append({ tag: "slot", slot: { ...slot, isReverted: true }, floor: 0 });
  }
  const outcome = bootBoard(parts, known);
  const slot = outcome.tag === "boot" ? slotRecord(record.state, outcome.slot) : undefined;
  if (outcome.tag === "recovery" || slot === undefined) return outcome;
  if (slot.isUnproven === true && slot.attempts > 0) {
    record.append({ tag: "slot", slot: provenSlot(slot), floor: outcome.image.manifest.counter });
  } else if (outcome.isTrial || slot.isUnproven === true) {
    record.append({ tag: "slot", slot: { ...slot, attempts: slot.attempts + 1 }, floor: 0 });
  }
  return outcome;
}

/**
 * Marks the running image as healthy, even during its last trial boot, and raises the counter floor to its counter.
 * Idempotent. `known` is as in {@link bootBoard}. NotBootableError `board-not-bootable` when nothing boots.
 */
export function confirmBoot(parts: BoardParts, known?: VerifiedImage): VerifiedImage {
  const outcome = bootBoard(parts, known, "running");
  const slot = outcome.tag === "boot" ? slotRecord(parts.record.state, outcome.slot) : undefined;
  if (outcome.tag === "recovery" || slot === undefined) {
    const reason = outcome.tag === "recovery" ? outcome.reason : "empty";
    const message = `Nothing to confirm: the board does not boot (${reason}). Let it be rescued first.`;
    throw new NotBootableError("board-not-bootable", message, { reason });
  }
  const { manifest } = outcome.image;
  const isDone = slot.isConfirmed && slot.isUnproven !== true;
  if (!isDone || parts.record.state.counterFloor < manifest.counter) {
    parts.record.append({ tag: "slot", slot: provenSlot(slot), floor: manifest.counter });
  }
  return outcome.image;
}

/** The manifest in flash of an installed or incoming image, if the board's policy accepts it; otherwise why not. */
export function storedManifest(
  parts: BoardParts,
  stored: { readonly area: number; readonly digest: Uint8Array },
): { readonly manifest: Manifest; readonly digest: Uint8Array } | BootFailure {
  const envelope = readManifest(parts, stored.area);
  if (envelope === undefined) return "manifest";
  const verdict = verifyEnvelope(envelope, parts.policy, "app");
  if (verdict.tag === "refused") {
    const { reason } = verdict;
    return reason === "manifest" || reason === "counter" ? reason : "signature";
  }
  if (!equalBytes(verdict.digest, stored.digest)) return "manifest";
  return { manifest: verdict.manifest, digest: verdict.digest };
}

/** Verifies one slot, from its manifest to its last byte, all of it read from flash. */
export function verifySlot(
  parts: BoardParts,
  record: Pick<SlotRecord, "slot" | "area" | "digest">,
): VerifiedImage | BootFailure {
  const stored = storedManifest(parts, record);
  if (typeof stored === "string") return stored;
  const { manifest, digest } = stored;
  const { flash } = parts;
  if (!fitsHardware(parts, manifest)) return "hardware";
  const floor = parts.record.state.counterFloor;
  if (manifest.counter < floor || floor > manifest.notAfterCounter) return "counter";
  const region = flash.map.slots[record.slot];
  if (region === undefined || manifest.size > flash.map.slotSize) return "manifest";
  const leaves = new Uint8Array(manifest.leafCount * HASH_LENGTH);
  for (let i = 0; i < manifest.leafCount; i++) {
    const block = flash.read(region.offset + i * manifest.blockSize, blockLength(manifest, i));
    leaves.set(leafHash(block), i * HASH_LENGTH);
  }
  if (!equalBytes(foldRun(leaves), manifest.root)) return "hash";
  return { slot: record.slot, manifest, digest, leaves };
}

/** Whether an image is made for this board: vendor and class are compared by their names. */
export function fitsHardware(parts: BoardParts, manifest: Manifest): boolean {
  const { identity } = parts;
  return (
    isSameHardware(manifest, identity.hardware) &&
    identity.revision >= manifest.revisionMin &&
    identity.revision <= manifest.revisionMax
  );
}
