import type { Millis } from "../base/units.ts";
import { isGrowing, type ServedImage } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import type { Beacon } from "../wire/messages.ts";
import { type PickedImage, type PickPolicy, pickImage } from "./image-picking.ts";
import { UnreadableImages } from "./unreadable-images.ts";

/** Different images that a node holds open at the same time, on all its links together. */
export const OPEN_IMAGES_MAX = 16;

/** Images that one call may find unreadable; with more of them the board's next call continues. */
const TURNS_MAX = 8;

/** Where a rescuer's images come from. */
export interface ImageOrigins extends PickPolicy {
  /** Images for boards that boot, instead of `repository`. */
  readonly updates?: Repository | undefined;
  /** Short digests of images that boards which do not boot get only if nothing else suits. */
  avoided?(): readonly Uint8Array[];
}

/** The images that a rescuer has open, for all its links; a call for one more has to be repeated. */
export class RescuerImages {
  readonly #origins: ImageOrigins;
  /** Picks that run, and images on their way back to the repository. */
  readonly #pending: Set<Promise<void>> = new Set();
  /** How often each open image is used. */
  readonly #open: Map<ServedImage, number> = new Map();
  readonly #unreadable: UnreadableImages = new UnreadableImages();

  constructor(origins: ImageOrigins) {
    this.#origins = origins;
  }

  /**
   * Picks and opens the image for the board of a beacon, as `pickImage` does; one that cannot be opened is reported and left
   * out, and the next one is picked. `again` while as many images are open as may be. Rejects if the repository cannot be read.
   */
  async pick(
    now: Millis,
    beacon: Beacon,
    refused: readonly Uint8Array[],
    onUnreadable: (error: unknown) => void,
  ): Promise<Exclude<PickedImage, { tag: "unreadable" }>> {
    if (this.#open.size >= OPEN_IMAGES_MAX) return { tag: "again" };
    const { updates, repository } = this.#origins;
    const from = beacon.failure === undefined ? (updates ?? repository) : repository;
    const origins = { ...this.#origins, repository: from };
    // Each turn leaves out one image more; a repository that fails for all of them ends it as well.
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const leftOut = [...refused, ...this.#unreadable.at(now)];
      const picked = await this.#pickOf(beacon, leftOut, origins);
      if (picked.tag === "unreadable") {
        this.noteUnreadable(now, picked.digest);
        onUnreadable(picked.error);
        continue;
      }
      if (picked.tag === "image") this.#open.set(picked.image, (this.#open.get(picked.image) ?? 0) + 1);
      return picked;
    }
    return { tag: "again" };
  }

  /** For a board that does not boot another image than those to avoid, if there is one: not to boot is worse. */
  async #pickOf(beacon: Beacon, leftOut: readonly Uint8Array[], origins: PickPolicy): Promise<PickedImage> {
    const avoided = beacon.failure === undefined ? [] : (this.#origins.avoided?.() ?? []);
    if (avoided.length > 0) {
      const other = await pickImage(beacon, [...leftOut, ...avoided], origins);
      if (other.tag === "image" || other.tag === "unreadable") return other;
    }
    return await pickImage(beacon, leftOut, origins);
  }

  /** An image that was opened cannot be read any more: for a while others are picked. */
  noteUnreadable(now: Millis, digest: Uint8Array): void {
    this.#unreadable.note(now, digest);
  }

  /** Gives back one use of an image. */
  release(image: ServedImage): void {
    const uses = this.#open.get(image) ?? 0;
    if (uses > 1) this.#open.set(image, uses - 1);
    else this.#open.delete(image);
    if (isGrowing(image)) return;
    // A file that cannot be closed was only read.
    this.track(this.#origins.repository.release(image).catch(() => {}));
  }

  /** Waits for this work at the end. */
  track(work: Promise<void>): void {
    const ended = work.finally(() => this.#pending.delete(ended));
    this.#pending.add(ended);
  }

  /** Resolves when nothing is picked or given back any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}
