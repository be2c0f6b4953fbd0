import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";

/** A query on the line, in bytes (PROTOCOL.md 5.1). */
export const QUERY_BYTES = 25;
const KNOCK_INTERVAL_MS = 250;
/** ... or so much that knocking takes no more than this share of the line. */
const KNOCK_SHARE = 0.01;
const KNOCKING_FOR_MS = 600_000;

/**
 * A target whose session fell silent knocks, with queries, often enough to use a line that lives for moments: from a
 * silence of three *waits* on, while the session is still open, for ten minutes (PROTOCOL.md 5.1, 6.1).
 */
export class Knocking {
  readonly #link: Link;
  #until: Millis = Number.NEGATIVE_INFINITY;
  #nextAt: Millis | undefined;
  /** Its time is over, and nothing was heard since. */
  #isOver = false;

  constructor(link: Link) {
    this.#link = link;
  }

  get isOn(): boolean {
    return this.#nextAt !== undefined;
  }

  /** The session fell silent. Does nothing while it knocks already. */
  start(now: Millis): void {
    if (this.#nextAt !== undefined || this.#isOver) return;
    this.#until = now + KNOCKING_FOR_MS;
    this.#nextAt = now;
  }

  /** Somebody is there, or nobody is needed any more. */
  stop(): void {
    this.#nextAt = undefined;
    this.#isOver = false;
  }

  /** When the next query is due; undefined when it does not knock. */
  get nextAt(): Millis | undefined {
    return this.#nextAt;
  }

  /** Takes the query that is due; true if it has to be sent now. */
  take(now: Millis): boolean {
    if (this.#nextAt === undefined || now < this.#nextAt) return false;
    if (now >= this.#until) {
      this.#nextAt = undefined;
      this.#isOver = true;
      return false;
    }
    this.#nextAt = now + Math.max(KNOCK_INTERVAL_MS, this.#link.lineTime(QUERY_BYTES) / KNOCK_SHARE);
    return true;
  }
}
