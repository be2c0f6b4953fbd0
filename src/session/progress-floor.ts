import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";
import type { ExcusedTime } from "./excused-time.ts";

/** Progress is checked this often. */
const PACE_WINDOW_MS = 120_000;
/** ... or after this many line times of a block, if that is longer. */
const PACE_LINE_TIMES = 32;
/** Least share of the line's capacity in a window that has to count as progress: one part in this many. */
const PACE_SHARE = 64;
/** Assumed rate of a line without a rate of its own, in bytes per millisecond: 115200 baud. */
const PACE_NOMINAL_RATE = 11.52;

/** Line time of so many bytes, also of a link without a rate of its own. */
export function nominalLineTime(link: Link, bytes: number): Millis {
  return link.lineTime(bytes) || bytes / PACE_NOMINAL_RATE;
}

/** Whether `bytes` of progress are enough for `duration` on this link. */
export function isOnPace(link: Link, bytes: number, duration: Millis): boolean {
  return nominalLineTime(link, bytes) * PACE_SHARE >= duration;
}

/**
 * The least progress that a session has to make (PROTOCOL.md 6.5): a peer that sends one block before each lease ends
 * would otherwise hold a target for days. A bad line that still works is far above it.
 */
export class ProgressFloor {
  readonly #link: Link;
  readonly #window: Millis;
  #endsAt: Millis;
  /** Bytes that count, since the window began. */
  #bytes = 0;

  constructor(now: Millis, link: Link, blockSize: number) {
    this.#link = link;
    this.#window = Math.max(PACE_WINDOW_MS, PACE_LINE_TIMES * link.lineTime(blockSize));
    this.#endsAt = now + this.#window;
  }

  /** Counts `bytes` of progress. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** End of the window, on the clock that {@link checkWindow} gets. */
  get endsAt(): Millis {
    return this.#endsAt;
  }

  /**
   * Closes the window if it has ended, and begins the next one: `tooSlow` when too little came in it. `time`: the clock that
   * it runs on.
   */
  checkWindow(now: Millis, time: ExcusedTime): "ok" | "tooSlow" {
    if (!time.hasReached(now, this.#endsAt)) return "ok";
    if (!isOnPace(this.#link, this.#bytes, this.#window)) return "tooSlow";
    this.#bytes = 0;
    this.#endsAt = time.counted(now) + this.#window;
    return "ok";
  }
}
