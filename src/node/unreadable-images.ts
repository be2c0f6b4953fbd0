import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import { shortDigest } from "../image/manifest.ts";

/** An image that could not be read is not picked for so long; boards call about every two seconds. */
export const UNREADABLE_FOR_MS: Millis = 5_000;
/** Most images that are remembered; when there are more, the oldest is tried again earlier. */
const IMAGES_MAX = 64;

interface Unreadable {
  readonly short: Uint8Array;
  readonly until: Millis;
}

/**
 * Images that could not be read lately, by a file that was truncated or changed or a disk that fails: the next one is picked
 * instead. They are tried again soon, as the file may be in order by then.
 */
export class UnreadableImages {
  readonly #images: BoundedMap<string, Unreadable> = new BoundedMap(IMAGES_MAX);

  /** An image could not be opened or read. `digest`: all 32 bytes. */
  note(now: Millis, digest: Uint8Array): void {
    this.#images.set(toHex(digest), { short: shortDigest(digest), until: now + UNREADABLE_FOR_MS });
  }

  /** Short digests of the images that are not to be picked now. */
  at(now: Millis): Uint8Array[] {
    return [...this.#images.values()].filter(({ until }) => now < until).map(({ short }) => short);
  }
}
