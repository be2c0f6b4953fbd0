import { BoundedMap } from "../base/bounded-map.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { compareOrder } from "../base/order.ts";
import type { Millis } from "../base/units.ts";
import type { Neighbour } from "./neighbours.ts";

/** A neighbour that was given an image is watched for this long. */
export const WATCH_MS: Millis = 3_600_000;
/** Neighbours that are watched. */
const WATCHED_MAX = 64;

/** An image that was handed on, by what its board said of it. */
type HandedImage = Pick<Neighbour, "sequence" | "version"> & { readonly digest: Uint8Array };

/**
 * What a board handed on: no more updates than `fanOut` in each soak time, so that the boards that have an image become at
 * most 1 + `fanOut` times as many in that time; and what became of the neighbours that got them. Without a soak time it
 * remembers nothing.
 */
export class HandedOn {
  readonly #fanOut: number;
  readonly #soakMs: Millis;
  /** Until when each of the last updates counts, the oldest first. */
  #countedUntil: readonly Millis[] = [];
  readonly #watched: BoundedMap<string, { readonly image: HandedImage; readonly at: Millis }> =
    new BoundedMap(WATCHED_MAX);

  constructor(fanOut: number, soakMs: Millis) {
    this.#fanOut = fanOut;
    this.#soakMs = soakMs;
  }

  /** A neighbour got this image as an update. */
  note(now: Millis, nodeId: Uint8Array, image: HandedImage): void {
    // Who hands on at once does not look back either: a power cut or damaged flash looks the same from here.
    if (this.#soakMs === 0) return;
    this.#countedUntil = [...this.#countedUntil, now + this.#soakMs].slice(-this.#fanOut);
    this.#watched.set(toHex(nodeId), { image: { ...image, digest: image.digest.slice() }, at: now });
  }

  /** Whether no further update may begin now, with so many that run. */
  isSpent(now: Millis, running: number): boolean {
    return this.#lately(now) + running >= this.#fanOut;
  }

  #lately(now: Millis): number {
    return this.#countedUntil.filter((until) => until > now).length;
  }

  /** When the next update may begin that had to wait for the soak time; undefined when none has to. */
  freeAt(now: Millis): Millis | undefined {
    if (this.#lately(now) < this.#fanOut) return undefined;
    return this.#countedUntil.find((until) => until > now);
  }

  /**
   * What a neighbour says shows that the image which it was given failed there: it does not boot, or went back to an older one.
   * The short digest of that image, once. A board that receives something does not boot either, and shows nothing.
   */
  failedWith(now: Millis, neighbour: Neighbour): Uint8Array | undefined {
    const name = toHex(neighbour.nodeId);
    const given = this.#watched.get(name);
    if (given === undefined) return undefined;
    const isOver = now - given.at > WATCH_MS;
    if (!isOver && !hasFailed(neighbour, given.image)) return undefined;
    this.#watched.delete(name);
    return isOver ? undefined : given.image.digest;
  }
}

function hasFailed(neighbour: Neighbour, { digest, ...order }: HandedImage): boolean {
  if (!neighbour.isBootable) return neighbour.failure !== "receiving";
  const { installedDigest } = neighbour;
  if (installedDigest === undefined || equalBytes(installedDigest, digest)) return false;
  return compareOrder(neighbour, order) < 0;
}
