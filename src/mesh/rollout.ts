import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";

/** Images of which a manifest was verified, and that are remembered. */
export const ROLLOUT_IMAGES_MAX = 16;
/** Images that were only heard of, of each link. */
const RUMOURS_MAX = 4;
/** After this time one that was only heard of makes room for another one. */
const RUMOUR_MS: Millis = 86_400_000;

/** What a board keeps of an image through its restarts. */
export interface KeptImage {
  /** Short digest, 16 hexadecimal digits. */
  readonly digest: string;
  /** How long the board has known of it, in its own running time. */
  readonly knownMs: Millis;
  /** Its ring in the image's rollout, once a verified manifest said it. */
  readonly ring?: number | undefined;
  /** Starts of it that were in order. */
  readonly starts?: number | undefined;
  /** It was installed on this board while none booted: it did not wait for its ring. */
  readonly isCanary?: true | undefined;
}

interface Known {
  readonly since: Millis;
  /** Where it was heard of; undefined once a manifest was verified, or it runs here. */
  readonly link: number | undefined;
  readonly ring: number | undefined;
  readonly starts: number;
  readonly isCanary: boolean;
}

/**
 * When a board may take the images of staged updates: each as many ring times after it first heard of it as the number of its ring
 * (PROTOCOL.md 6.8). It may have heard of an image by a beacon, which proves nothing: an early word lets the time run from then on,
 * and never stands for the manifest.
 *
 * Of fixed size. Words about invented images fill no more than the places of the link that they came over.
 */
export class Rollout {
  readonly #ringTimeMs: Millis;
  /** By short digest, the one known for longest first. */
  readonly #images: Map<string, Known> = new Map();

  /** `kept`: from before this start. */
  constructor(now: Millis, ringTimeMs: Millis, kept: readonly KeptImage[] = []) {
    this.#ringTimeMs = ringTimeMs;
    for (const { digest, knownMs, ring, starts = 0, isCanary = false } of kept.slice(-ROLLOUT_IMAGES_MAX))
      this.#images.set(digest, { since: now - knownMs, link: undefined, ring, starts, isCanary });
  }

  /** Somebody on this link has the image, or heard of it. True if that is new. */
  noteHeard(now: Millis, link: number, digest: Uint8Array): boolean {
    const name = toHex(digest);
    if (this.#images.has(name)) return false;
    const ofLink = [...this.#images].filter(([, known]) => known.link === link);
    const [oldest] = ofLink;
    if (oldest !== undefined && ofLink.length >= RUMOURS_MAX) {
      if (now - oldest[1].since < RUMOUR_MS) return false;
      this.#images.delete(oldest[0]);
    }
    this.#images.set(name, { since: now, link, ring: undefined, starts: 0, isCanary: false });
    return true;
  }

  /** A verified manifest says that the board is in this ring; how long the board has to wait for it. */
  noteManifest(now: Millis, digest: Uint8Array, ring: number): Millis {
    this.#keep(now, digest, { ring });
    return this.leftMs(now, digest);
  }

  /** The image was installed while the board did not boot: the board is a canary of it. */
  markCanary(now: Millis, digest: Uint8Array): void {
    this.#keep(now, digest, { isCanary: true });
  }

  isCanary(digest: Uint8Array): boolean {
    return this.#images.get(toHex(digest))?.isCanary === true;
  }

  /** The image was started, and is in order; how often so far. */
  noteStarted(now: Millis, digest: Uint8Array): number {
    this.#keep(now, digest, { starts: this.startsOf(digest) + 1 });
    return this.startsOf(digest);
  }

  startsOf(digest: Uint8Array): number {
    return this.#images.get(toHex(digest))?.starts ?? 0;
  }

  #keep(now: Millis, digest: Uint8Array, more: Partial<Known>): void {
    const name = toHex(digest);
    const before = this.#images.get(name) ?? { since: now, ring: undefined, starts: 0, isCanary: false };
    this.#images.delete(name);
    this.#images.set(name, { ...before, ...more, link: undefined });
    const kept = [...this.#images].filter(([, { link }]) => link === undefined);
    for (const [old] of kept.slice(0, -ROLLOUT_IMAGES_MAX)) this.#images.delete(old);
  }

  /** How long the board still has to wait with this image; 0 also while its manifest is not known. */
  leftMs(now: Millis, digest: Uint8Array): Millis {
    const known = this.#images.get(toHex(digest));
    return known === undefined ? 0 : Math.max(0, this.#dueAt(known) - now);
  }

  #dueAt({ since, ring = 0 }: Known): Millis {
    return since + ring * this.#ringTimeMs;
  }

  /** When the next image is due that waits; undefined when none does. */
  nextDueAt(now: Millis): Millis | undefined {
    let soonest: Millis | undefined;
    for (const known of this.#images.values()) {
      const at = this.#dueAt(known);
      if (at > now && (soonest === undefined || at < soonest)) soonest = at;
    }
    return soonest;
  }

  /** What has to be kept through a restart: what was only heard of has not. */
  kept(now: Millis): KeptImage[] {
    const kept = [...this.#images].filter(([, { link }]) => link === undefined);
    return kept.map(([digest, { since, ring, starts, isCanary }]) => ({
      digest,
      knownMs: Math.max(0, now - since),
      ...(ring === undefined ? {} : { ring }),
      ...(starts === 0 ? {} : { starts }),
      ...(isCanary ? { isCanary } : {}),
    }));
  }
}
