import { fromHex, toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";

/** An image that failed on this board, or on one that proved who it is, is held up for this long after that, ... */
export const SUSPECT_MS: Millis = 86_400_000;
/** ... and by all further failures together for this long after the first. */
export const SUSPECT_TOTAL_MS: Millis = 3 * SUSPECT_MS;
/** What anybody may have said holds an image up for this long, on one link, and once. */
export const SUSPECT_UNPROVEN_MS: Millis = 3_600_000;
/** What was said is remembered for this long, so that it counts once. */
const REMEMBERED_MS: Millis = 7 * 86_400_000;
/** Images that are remembered of certain failures, and of each link. */
const CERTAIN_MAX = 16;
const UNPROVEN_MAX = 8;

interface Suspicion {
  readonly firstAt: Millis;
  readonly until: Millis;
}

/**
 * Images that are held up since they failed somewhere: none of them is asked for, or handed on to boards that boot. It can only
 * stop a spread, and ends by itself (PROTOCOL.md 6.8).
 *
 * Of fixed size: where there is no room what comes later counts less than what came first, so that invented digests end no
 * suspicion.
 */
export class Suspects {
  /** By short digest. */
  readonly #certain: Map<string, Suspicion> = new Map();
  /** By link and short digest. */
  readonly #unproven: Map<number, Map<string, Suspicion>> = new Map();

  /**
   * The image failed so long ago, here or where a link key proves it. `isOwn`: here, which always has room. True if it is held up
   * for longer by that.
   */
  noteCertain(now: Millis, digest: Uint8Array, ageMs: Millis, isOwn: boolean): boolean {
    const name = toHex(digest);
    if (!makeRoom(now, this.#certain, name, CERTAIN_MAX, isOwn)) return false;
    const before = this.#certain.get(name);
    const firstAt = before?.firstAt ?? now;
    const until = Math.min(now + SUSPECT_MS - ageMs, firstAt + SUSPECT_TOTAL_MS);
    if (until <= now || until <= (before?.until ?? Number.NEGATIVE_INFINITY)) return false;
    this.#certain.set(name, { firstAt, until });
    return true;
  }

  /** The fleet's owner holds the image up for so long from now on. It needs no failure, and ends when it says. */
  noteStopped(now: Millis, digest: Uint8Array, forMs: Millis): boolean {
    const name = toHex(digest);
    if (forMs <= 0 || !makeRoom(now, this.#certain, name, CERTAIN_MAX, true)) return false;
    const before = this.#certain.get(name);
    const until = Math.max(now + forMs, before?.until ?? now);
    this.#certain.set(name, { firstAt: before?.firstAt ?? now, until });
    return until !== before?.until;
  }

  /** Somebody on this link says so, or a neighbour there seems to have failed with it. True if it is held up there by that. */
  noteUnproven(now: Millis, link: number, digest: Uint8Array, ageMs: Millis = 0): boolean {
    const name = toHex(digest);
    const ofLink = this.#unproven.get(link) ?? new Map<string, Suspicion>();
    this.#unproven.set(link, ofLink);
    if (!makeRoom(now, ofLink, name, UNPROVEN_MAX, false) || ofLink.has(name)) return false;
    const until = now + SUSPECT_UNPROVEN_MS - ageMs;
    ofLink.set(name, { firstAt: now, until });
    return until > now;
  }

  /** How long the image is held up on this link. */
  leftMs(now: Millis, link: number, digest: Uint8Array): Millis {
    const name = toHex(digest);
    const certain = this.#certain.get(name)?.until ?? now;
    return Math.max(0, certain - now, (this.#unproven.get(link)?.get(name)?.until ?? now) - now);
  }

  /** Short digests of images that are held up everywhere. */
  certain(now: Millis): Uint8Array[] {
    const held = [...this.#certain].filter(([, { until }]) => until > now);
    return held.flatMap(([name]) => fromHex(name) ?? []);
  }

  /** When the next suspicion ends; undefined without any. */
  nextEndAt(now: Millis): Millis | undefined {
    let soonest: Millis | undefined;
    for (const suspicions of [this.#certain, ...this.#unproven.values()])
      for (const { until } of suspicions.values())
        if (until > now && (soonest === undefined || until < soonest)) soonest = until;
    return soonest;
  }
}

/** Whether there is a place for this image, after those were forgotten that are remembered for long enough. */
function makeRoom(
  now: Millis,
  suspicions: Map<string, Suspicion>,
  name: string,
  max: number,
  isOwn: boolean,
): boolean {
  for (const [old, { firstAt, until }] of suspicions)
    if (now - firstAt >= REMEMBERED_MS && until <= now) suspicions.delete(old);
  if (suspicions.has(name) || suspicions.size < max) return true;
  const [oldest] = suspicions.keys();
  if (!isOwn || oldest === undefined) return false;
  return suspicions.delete(oldest);
}
