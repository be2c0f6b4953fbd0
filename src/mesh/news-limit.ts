import type { Millis } from "../base/units.ts";

/** Between two pieces of unproven news that count on one link. */
const NEWS_INTERVAL_MS: Millis = 60_000;
/** Most links that are remembered. */
const LINKS_MAX = 64;

/**
 * How often news without proof may count, a beacon that claims a newer version for one: anyone on a wire can send that, and
 * each piece makes the node speak and fetch a manifest. At most once a minute on each link, and for 64 links a minute in all,
 * so that a peer that connects again and again as another link gains nothing.
 */
export class NewsLimit {
  /** When news last counted on each link, the oldest first. */
  readonly #takenAt: Map<number, Millis> = new Map();

  /** Whether news on this link counts now; if so, the next minute's does not. */
  take(now: Millis, link: number): boolean {
    for (const [other, at] of this.#takenAt) {
      if (now - at < NEWS_INTERVAL_MS) break;
      this.#takenAt.delete(other);
    }
    if (this.#takenAt.has(link) || this.#takenAt.size >= LINKS_MAX) return false;
    this.#takenAt.set(link, now);
    return true;
  }
}
