import { equalBytes } from "../base/bytes.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { GrowingImage, ServedImage } from "../image/image-source.ts";
import { chooseImage, type ImageChoice, type PickCriteria, type Repository } from "../image/repository.ts";
import type { Beacon, NoneReason } from "../wire/messages.ts";

/** Where images come from, and which may be offered. */
export interface PickPolicy {
  /** Not closed by the run. */
  readonly repository: Repository;
  readonly allowUnsigned: boolean;
  /** The user chose the only image: offer it even if it seems unsuitable, and let the target decide. */
  readonly offersAnyway?: boolean;
  /** The image that the node's own board receives now, for boards that do not boot; undefined while it receives none. */
  relayed?(): GrowingImage | undefined;
}

/**
 * An image for a board, open; or why there is none, and what the board is told. `again`: that was reported at an earlier call of
 * the board. `unreadable`: the one that suits cannot be opened.
 */
export type PickedImage =
  | { readonly tag: "image"; readonly image: ServedImage }
  | { readonly tag: "unreadable"; readonly digest: Uint8Array; readonly error: unknown }
  | {
      readonly tag: "none";
      readonly reason: RefusalReason;
      readonly why: NoneReason;
      readonly detail: string;
    }
  | { readonly tag: "again" };

/**
 * Picks and opens the image to offer to the board of a beacon. `refused`: short digests of images that the board refused
 * lately. Rejects if the repository cannot be read.
 */
export async function pickImage(
  beacon: Beacon,
  refused: readonly Uint8Array[],
  { repository, allowUnsigned, offersAnyway, relayed }: PickPolicy,
): Promise<PickedImage> {
  const growing = beacon.failure === undefined ? undefined : relayed?.();
  const criteria: PickCriteria = {
    hardwareId: beacon.hardwareId,
    revision: beacon.revision,
    counterFloor: beacon.counterFloor,
    runs: beacon.failure === undefined ? beacon : undefined,
    allowUnsigned,
    receivingDigest8: beacon.receivingDigest,
    installedDigest8: beacon.installedDigest,
    refused,
  };
  const choice = await repository.pick(criteria);
  const opened = async (digest: Uint8Array): Promise<PickedImage> => {
    try {
      return { tag: "image", image: await repository.open(digest) };
    } catch (error) {
      return { tag: "unreadable", digest, error };
    }
  };
  // A board that others serve takes the image that it receives, and no other one.
  if (beacon.isServed === true) {
    const isReceived = choice.tag === "chosen" && choice.because === "receiving";
    return isReceived ? await opened(choice.entry.digest) : { tag: "again" };
  }
  if (growing !== undefined && isBest(growing, choice, criteria)) return { tag: "image", image: growing };
  if (choice.tag === "chosen") return await opened(choice.entry.digest);
  // A refused image is offered again after a while.
  if (refused.length > 0) return { tag: "again" };
  const [only, ...others] = choice.refusals;
  if (offersAnyway && only !== undefined && others.length === 0) return await opened(only.entry.digest);
  const { reason, detail } = choice;
  return { tag: "none", reason: reason ?? "hardware", why: reason ?? "no-image", detail };
}

/** Whether an image that is still being received is better for a board than the choice among those that are all there. */
function isBest(growing: GrowingImage, choice: ImageChoice, criteria: PickCriteria): boolean {
  const whole = choice.tag === "chosen" ? choice.entry : undefined;
  if (whole !== undefined && equalBytes(whole.digest, growing.digest)) return false;
  const best = chooseImage(whole === undefined ? [growing] : [whole, growing], criteria);
  return best.tag === "chosen" && best.entry === growing;
}
