import { BoundedMap } from "../../base/bounded-map.ts";
import { equalBytes, toHex } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import type { Deferral } from "../handshake.ts";

/** How long a begun image is held to after it was served last; doubled with each change of image. */
const HOLD_MIN_MS = 60_000;
const HOLD_MAX_MS = 3_600_000;
/** Another image waits at most for the hold and this many line times of what the begun one lacked then. */
const HOLD_LINE_TIMES = 2;
/** Most changes of image in an hour, with any peers on the wire: each costs erases of the same sectors. */
const CHANGES_MAX = 8;
const CHANGES_WINDOW_MS = 3_600_000;
/** Images whose served blocks are remembered; those of the image that was served longest ago are dropped first. */
const SEEN_IMAGES_MAX = 8;

/** A session that is served: its identity stands for it. */
interface ServedSession {
  /** Short digest of its image. */
  readonly digest: Uint8Array;
}

/** The image that the boot record says is being received. */
interface BegunImage {
  readonly digest: Uint8Array;
  /** False once it was refused, or failed: it is not waited for. */
  isHeld: boolean;
  /** When it was begun, or served last in a session that ended well. */
  servedAt: Millis;
  /** Line time of what it lacks; undefined before a session has shown it. */
  lackMs: Millis | undefined;
  /** When the first offer of another image was deferred, and what was lacking then. */
  waitingSince: Millis | undefined;
  lackMsThen: Millis | undefined;
}

/**
 * Which image a board is brought to: one that was begun is held to while it is served, and others wait (PROTOCOL.md 6.5).
 * One object for all links of a board. It lives for one start: after another one the begun image is held to from that start on.
 */
export class ImageHold {
  #begun: BegunImage | undefined;
  /** Short digest of the image that was begun last, held to or not. */
  #last: Uint8Array | undefined;
  /** Changes of image since the board was healed. */
  #changes = 0;
  /** Times of the last changes. */
  #changedAt: Millis[] = [];
  /** Blocks that were right once in this start, by image: served again they are not new. */
  #seen: BoundedMap<string, Set<number>> = new BoundedMap(SEEN_IMAGES_MAX);
  /** When each running session brought its last new block: taken back if it ends as slow or by its lease. */
  readonly #credits: Map<ServedSession, Millis> = new Map();

  /** The image that the boot record says is being received, by its short digest; undefined for none. */
  noteReceiving(now: Millis, digest: Uint8Array | undefined): void {
    if (digest === undefined) this.#begun = undefined;
    else if (this.#begun === undefined || !equalBytes(this.#begun.digest, digest)) this.#begin(now, digest);
  }

  #begin(now: Millis, view: Uint8Array): void {
    const digest = view.slice();
    if (this.#last !== undefined && !equalBytes(this.#last, digest)) {
      this.#changes++;
      this.#changedAt = [...this.#changedAt, now].slice(-CHANGES_MAX);
    }
    this.#last = digest;
    const unknown = { lackMs: undefined, waitingSince: undefined, lackMsThen: undefined };
    this.#begun = { digest, isHeld: true, servedAt: now, ...unknown };
  }

  /** What the image of a session still lacks, as line time. */
  noteLack({ digest }: ServedSession, lackMs: Millis): void {
    const begun = this.#begunAs(digest);
    if (begun === undefined) return;
    begun.lackMs = lackMs;
    if (begun.waitingSince !== undefined) begun.lackMsThen ??= lackMs;
  }

  /** A session brought a right block, which was programmed. */
  noteBlock(now: Millis, session: ServedSession, block: number): void {
    const begun = this.#begunAs(session.digest);
    if (begun === undefined || !this.#isNew(begun.digest, block)) return;
    begun.isHeld = true;
    this.#credits.set(session, now);
  }

  #isNew(digest: Uint8Array, block: number): boolean {
    const name = toHex(digest);
    const seen = this.#seen.get(name) ?? new Set();
    this.#seen.set(name, seen);
    return seen.size < seen.add(block).size;
  }

  /** A session ended. `isWorthless`: as slow, by its lease, or with what was wrong: it has served nothing. */
  noteSessionEnd(session: ServedSession, isWorthless: boolean): void {
    const at = this.#credits.get(session);
    this.#credits.delete(session);
    const begun = this.#begunAs(session.digest);
    if (at === undefined || begun === undefined || isWorthless) return;
    begun.servedAt = Math.max(begun.servedAt, at);
  }

  /** The image was refused, or failed: nobody has to wait for it. */
  release(digest: Uint8Array): void {
    const begun = this.#begunAs(digest);
    if (begun !== undefined) begun.isHeld = false;
  }

  /** The board boots: all is forgotten but the changes of the last hour. */
  noteHealed(): void {
    this.#begun = undefined;
    this.#last = undefined;
    this.#changes = 0;
    this.#seen = new BoundedMap(SEEN_IMAGES_MAX);
    this.#credits.clear();
  }

  /**
   * Why an offer of this image has to wait, and how long if nobody serves the begun image any more; undefined when it need not.
   * From the first one that has to, the time runs.
   */
  defer(now: Millis, digest: Uint8Array): Deferral | undefined {
    if (this.#begunAs(digest) !== undefined) return undefined;
    const begun = this.#begun;
    const heldMs = begun === undefined ? 0 : this.#heldUntil(now, begun) - now;
    if (begun !== undefined && heldMs > 0) {
      begun.waitingSince ??= now;
      begun.lackMsThen ??= begun.lackMs;
    }
    const wornMs = this.#wornUntil(now, digest) - now;
    if (wornMs > Math.max(0, heldMs)) return { reason: "wear", forMs: wornMs };
    return heldMs > 0 ? { reason: "begun", forMs: heldMs } : undefined;
  }

  /** Whether an offer of this image lets others go first: the hold to it is over, and another one has waited. */
  yields(now: Millis, digest: Uint8Array): boolean {
    const begun = this.#begunAs(digest);
    return begun?.waitingSince !== undefined && this.#heldUntil(now, begun) <= now;
  }

  #heldUntil(now: Millis, begun: BegunImage): Millis {
    if (!begun.isHeld) return now;
    const holdMs = Math.min(HOLD_MAX_MS, HOLD_MIN_MS * 2 ** this.#changes);
    const { waitingSince = now, lackMsThen = begun.lackMs ?? Number.POSITIVE_INFINITY } = begun;
    const served = Math.max(begun.servedAt, ...this.#credits.values());
    return Math.min(served + holdMs, waitingSince + holdMs + HOLD_LINE_TIMES * lackMsThen);
  }

  #wornUntil(now: Millis, digest: Uint8Array): Millis {
    if (this.#last === undefined || equalBytes(this.#last, digest)) return now;
    const [oldest] = this.#changedAt;
    if (oldest === undefined || this.#changedAt.length < CHANGES_MAX) return now;
    return oldest + CHANGES_WINDOW_MS;
  }

  #begunAs(digest: Uint8Array): BegunImage | undefined {
    return this.#begun !== undefined && equalBytes(this.#begun.digest, digest) ? this.#begun : undefined;
  }
}
