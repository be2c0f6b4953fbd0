import { toHex } from "../base/bytes.ts";
import { RefusedError } from "../base/errors.ts";
import { slotRecord } from "../flash/record/record-state.ts";
import { decodeEnvelope, type TrustPolicy } from "../image/envelope.ts";
import { formatVersion, type Version } from "../image/version.ts";
import type { BoardParts } from "./board-parts.ts";
import { bootBoard, verifySlot } from "./boot.ts";
import { readManifest } from "./manifest-area.ts";

/** An installed image, as its manifest in flash has it. It was checked when it was installed, not here. */
export interface SignedImage {
  readonly slot: number;
  readonly version: Version;
  readonly counter: number;
  /** Id of the key that signed it, 8 bytes; undefined when it is not signed. */
  readonly keyId: Uint8Array | undefined;
  readonly isBooting: boolean;
}

/** The installed images whose manifest can be read. Verifies the slots. */
export function signedImages(parts: BoardParts): readonly SignedImage[] {
  const outcome = bootBoard(parts);
  return parts.record.state.slots.flatMap(({ slot, area }) => {
    const bytes = readManifest(parts, area);
    const envelope = bytes === undefined ? undefined : decodeEnvelope(bytes);
    if (envelope?.tag !== "envelope") return [];
    const { version, counter } = envelope.manifest;
    const isBooting = outcome.tag === "boot" && outcome.slot === slot;
    return [{ slot, version, counter, keyId: envelope.keyId, isBooting }];
  });
}

/**
 * Checks what other keys or limits do to the installed images. RefusedError `trust-boots` when the image that boots
 * would not boot any more; the warnings otherwise.
 */
export function judgeTrustChange(parts: BoardParts, next: TrustPolicy): readonly string[] {
  const changed = { ...parts, policy: next };
  const now = bootBoard(parts);
  if (now.tag === "boot") {
    const failure = verifySlot(changed, imageRecord(parts, now.slot));
    if (typeof failure === "string") throw wouldNotBoot(parts, now.slot, failure);
  }
  return parts.record.state.slots.flatMap((record) => {
    if (now.tag === "boot" && record.slot === now.slot) return [];
    const isLost =
      typeof verifySlot(parts, record) !== "string" && typeof verifySlot(changed, record) === "string";
    return isLost ? [`slot ${record.slot} is no way back any more: this change bars the image in it`] : [];
  });
}

function imageRecord(parts: BoardParts, slot: number): Parameters<typeof verifySlot>[1] {
  const record = slotRecord(parts.record.state, slot);
  if (record === undefined) throw new RangeError(`no image in slot ${slot}`);
  return record;
}

function wouldNotBoot(parts: BoardParts, slot: number, reason: string): RefusedError {
  const image = signedImages(parts).find((other) => other.slot === slot);
  const what =
    image === undefined ? "" : ` (version ${formatVersion(image.version)}, counter ${image.counter})`;
  const who = image?.keyId === undefined ? "is not signed" : `is signed by key ${toHex(image.keyId)}`;
  const message =
    `The image that boots${what} ${who}: with this change the board would not boot it. Add the new key, install ` +
    "the next release, signed by it, and repeat this; or give the key a max-counter that is not below the image's";
  return new RefusedError("trust-boots", message, { slot, reason });
}
