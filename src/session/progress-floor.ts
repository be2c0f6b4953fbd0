import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";

/** What a session brought is looked at this often. */
const PACE_WINDOW_MS = 120_000;
/** ... or after so many line times of a block, where that is longer. */
const PACE_LINE_TIMES = 32;
/** Of what the line could have carried in a window, the 64th part has to count. */
const PACE_SHARE = 64;
/** Rate of a line that has none of its own, in bytes per millisecond: 115200 baud. */
const PACE_NOMINAL_RATE = 11.52;

/** Whether so many bytes are enough for so much time. */
export function isOnPace(link: Link, bytes: number, duration: Millis): boolean {
  const lineTime = link.lineTime(bytes) || bytes / PACE_NOMINAL_RATE;
  return lineTime * PACE_SHARE >= duration;
}

/**
 * The least that a session has to bring (PROTOCOL.md 6.5): who sends one block before each lease ends would hold a
 * target for days otherwise. A line that is bad, but not hopeless, is far above it.
 */
export class Pace {
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

  /** Bytes came that count. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  get endsAt(): Millis {
    return this.#endsAt;
  }

  /** Whether a window ended in which too little came; begins the next one otherwise. */
  isTooSlow(now: Millis): boolean {
    if (now < this.#endsAt) return false;
    if (!isOnPace(this.#link, this.#bytes, this.#window)) return true;
    this.#bytes = 0;
    this.#endsAt = now + this.#window;
    return false;
  }
}
