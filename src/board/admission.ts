import { equalBytes, toHex } from "../base/bytes.ts";
import { compareOrder } from "../base/order.ts";
import type { RefusalReason } from "../base/refusal.ts";
import {
  failedConfirms,
  hasConfirmed,
  leastOrder,
  type RecordState,
  slotRecord,
} from "../flash/record/record-state.ts";
import { type AcceptedManifest, type RefusedManifest, verifyEnvelope } from "../image/envelope.ts";
import { formatHardware } from "../image/hardware.ts";
import { maxStepOf } from "../image/keys.ts";
import { BLOCK_SIZE_MAX, type Manifest, shortDigest } from "../image/manifest.ts";
import { formatVersion } from "../image/version.ts";
import { type BoardParts, describeHardware } from "./board-parts.ts";
import { type BootOutcome, fitsHardware, verifySlot } from "./boot.ts";
import type { Quarantine } from "./quarantine.ts";

/** What a board accepts beyond being healed. */
export interface StoreOptions {
  /** A board that boots accepts newer images, too, into a slot that does not boot. */
  readonly allowUpdate?: boolean;
  /** With `allowUpdate`, also into the only slot: until the new image is verified, the board has none. */
  readonly allowSingleUpdate?: boolean;
  /** Every new image is on trial, whatever its policy: somebody watches it start, and confirms it (PROTOCOL.md 13.4). */
  readonly triesAll?: boolean;
  /** Largest block that can be buffered, in bytes; 64 KiB unless given. */
  readonly maxBlockSize?: number;
}

/**
 * Whether the board accepts an image (PROTOCOL.md 8.4): trust first, over raw bytes, then everything else that
 * the manifest says. Reads the boot record at most. Changes nothing but the count of refusals in `quarantine`.
 */
export function judgeManifest(
  parts: BoardParts,
  boot: BootOutcome,
  options: StoreOptions,
  envelope: Uint8Array,
  quarantine: Quarantine,
): AcceptedManifest | RefusedManifest {
  const verdict = verifyEnvelope(envelope, parts.policy, "app");
  if (verdict.tag === "refused") return verdict;
  const { manifest } = verdict;
  return (
    judgeTarget(parts, manifest) ??
    judgeHistory(parts, verdict) ??
    judgeUpdate(parts, boot, options, verdict) ??
    judgeSize(parts, options, manifest) ??
    judgeHealth(parts, boot, verdict, quarantine) ??
    verdict
  );
}

function judgeTarget(parts: BoardParts, manifest: Manifest): RefusedManifest | undefined {
  const { identity } = parts;
  if (fitsHardware(parts, manifest)) return undefined;
  const { revisionMin, revisionMax } = manifest;
  const made = `${formatHardware(manifest)} revision ${revisionMin}-${revisionMax}`;
  return refuse("hardware", `made for ${made}, this board is ${describeHardware(identity)}`);
}

function judgeHistory(parts: BoardParts, accepted: AcceptedManifest): RefusedManifest | undefined {
  const { manifest } = accepted;
  const floor = parts.record.state.counterFloor;
  if (manifest.counter < floor) {
    return refuse("counter", `security counter ${manifest.counter}, this board's floor is ${floor}`);
  }
  if (floor > manifest.notAfterCounter) {
    return refuse(
      "counter",
      `its key counts up to ${manifest.notAfterCounter}, this board's floor is ${floor}`,
    );
  }
  return judgeStep(parts, accepted) ?? judgeGivenUp(parts.record.state, manifest);
}

/** An image that could raise the floor so far that its owner's next release is below it. */
function judgeStep(parts: BoardParts, { manifest, keyId }: AcceptedManifest): RefusedManifest | undefined {
  const { state } = parts.record;
  const { counter } = manifest;
  // A board that takes unsigned images has no key to limit.
  if (keyId === undefined || !hasConfirmed(state)) return undefined;
  const step = maxStepOf(parts.policy.keys, keyId);
  if (counter - state.counterFloor <= step) return undefined;
  const seen = `security counter ${counter}, this board's floor is ${state.counterFloor}`;
  return refuse(
    "counter",
    `${seen}; images of key ${toHex(keyId)} may be at most ${step} above it (max-step)`,
  );
}

/** `single`: an image that was given up for a newer one opens no way to older ones (PROTOCOL.md 13.5). */
function judgeGivenUp(state: RecordState, manifest: Manifest): RefusedManifest | undefined {
  const least = leastOrder(state);
  if (least === undefined || compareOrder(manifest, least) >= 0) return undefined;
  const offered = `${formatVersion(manifest.version)} (sequence ${manifest.sequence})`;
  const had = `${formatVersion(least.version)} (sequence ${least.sequence})`;
  return refuse("version", `${offered} is older than ${had}, which was confirmed and given up for an update`);
}

/** The last check, because it counts refusals. */
function judgeHealth(
  { record }: BoardParts,
  boot: BootOutcome,
  { digest }: AcceptedManifest,
  quarantine: Quarantine,
): RefusedManifest | undefined {
  const { receiving } = record.state;
  // An image that was being received before a power cut is resumed.
  if (receiving !== undefined && equalBytes(receiving.digest, digest)) return undefined;
  const failed = failedConfirms(record.state, digest);
  if (quarantine.judgeOffer(shortDigest(digest), failed, boot.tag === "boot") === "take") return undefined;
  return refuse(
    "quarantined",
    `${toHex(shortDigest(digest))} failed to confirm ${failed} times on this board`,
  );
}

function judgeUpdate(
  parts: BoardParts,
  boot: BootOutcome,
  options: StoreOptions,
  { manifest, digest }: AcceptedManifest,
): RefusedManifest | undefined {
  if (boot.tag === "recovery") return undefined;
  const running = boot.image.manifest;
  const runs = formatVersion(running.version);
  if (options.allowUpdate !== true)
    return refuse("healthy", `the board boots ${runs} and asks for no update`);
  const installed = slotRecord(parts.record.state, boot.slot);
  const isSingle = parts.flash.map.layout === "single";
  // It was verified when it was started: there is nothing to repair, and nothing to end as healed.
  if (equalBytes(boot.image.digest, digest))
    return refuse("version", `the board runs this very image, ${runs}`);
  const order = compareOrder(manifest, running);
  const offered = `${formatVersion(manifest.version)} (sequence ${manifest.sequence})`;
  if (order < 0) return refuse("version", `${offered} is older than ${runs}, which the board runs`);
  if (order === 0)
    return refuse("version", `${offered} is another image of the same order as the one running`);
  if (!isSingle && boot.isTrial) {
    // The other slot holds the image that the board falls back to.
    return refuse("healthy", `the board is trying ${runs}: confirm that first, or let it be reverted`);
  }
  if (installed?.isUnproven === true && hasWayBack(parts, boot.slot)) {
    const advice = "let it boot twice, or confirm it";
    return refuse("healthy", `${runs} has not proven itself, and the other slot is its way back: ${advice}`);
  }
  if (!isSingle || options.allowSingleUpdate === true) return undefined;
  return refuse(
    "healthy",
    `the board has one slot and boots ${runs}: an update would overwrite the only bootable image`,
  );
}

/** Whether a slot other than `booting` holds a confirmed image that would boot. Hashes it. */
function hasWayBack(parts: BoardParts, booting: number): boolean {
  return parts.record.state.slots.some(
    (slot) =>
      slot.slot !== booting &&
      slot.isConfirmed &&
      parts.record.state.receiving?.slot !== slot.slot &&
      typeof verifySlot(parts, slot) !== "string",
  );
}

function judgeSize(
  parts: BoardParts,
  options: StoreOptions,
  manifest: Manifest,
): RefusedManifest | undefined {
  const { slotSize } = parts.flash.map;
  if (manifest.size > slotSize) {
    return refuse("size", `${manifest.size} bytes, the slot takes ${slotSize}`);
  }
  const largest = options.maxBlockSize ?? BLOCK_SIZE_MAX;
  if (manifest.blockSize <= largest) return undefined;
  return refuse("block-size", `blocks of ${manifest.blockSize} bytes, this board takes up to ${largest}`);
}

function refuse(reason: RefusalReason, detail: string): RefusedManifest {
  return { tag: "refused", reason, detail };
}
