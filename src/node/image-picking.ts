import type { RefusalReason } from "../base/refusal.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import type { Beacon, NoneReason } from "../wire/messages.ts";

/** Where images come from, and which may be offered. */
export interface PickPolicy {
  /** Not closed by the run. */
  readonly repository: Repository;
  readonly allowUnsigned: boolean;
  /** The user chose the only image: offer it even if it seems unsuitable, and let the target decide. */
  readonly offersAnyway?: boolean;
}

/**
 * An image for a board, open; or why there is none, and what the board is told. `again`: that was reported at an earlier call of
 * the board. `unreadable`: the one that suits cannot be opened.
 */
export type PickedImage =
  | { readonly tag: "image"; readonly image: ImageSource }
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
  { repository, allowUnsigned, offersAnyway }: PickPolicy,
): Promise<PickedImage> {
  const choice = await repository.pick({
    hardwareId: beacon.hardwareId,
    revision: beacon.revision,
    counterFloor: beacon.counterFloor,
    runs: beacon.failure === undefined ? beacon : undefined,
    allowUnsigned,
    receivingDigest8: beacon.receivingDigest,
    installedDigest8: beacon.installedDigest,
    refused,
  });
  const opened = async (digest: Uint8Array): Promise<PickedImage> => {
    try {
      return { tag: "image", image: await repository.open(digest) };
    } catch (error) {
      return { tag: "unreadable", digest, error };
    }
  };
  if (choice.tag === "chosen") return await opened(choice.entry.digest);
  // A refused image is offered again after a while.
  if (refused.length > 0) return { tag: "again" };
  const [only, ...others] = choice.refusals;
  if (offersAnyway && only !== undefined && others.length === 0) return await opened(only.entry.digest);
  const { reason, detail } = choice;
  return { tag: "none", reason: reason ?? "hardware", why: reason ?? "no-image", detail };
}
