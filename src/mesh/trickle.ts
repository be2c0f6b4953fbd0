import { assert } from "../base/assert.ts";
import { type Random, randomBelow } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";

/** Longest interval by default. One transmission in each at rest: 84 a day, 3 or 4 an hour, and 5 in very few. */
export const TRICKLE_MAX_MS: Millis = 1_024_000;
const TRICKLE_MIN_MS: Millis = 1_000;

export interface TrickleOptions {
  /** Imin, the shortest interval: whole milliseconds, at least 2. 1 s by default. */
  readonly minMs?: Millis;
  /** Imax, the longest interval: whole milliseconds, at least `minMs`. 1,024 s by default. */
  readonly maxMs?: Millis;
  /** k: consistent messages in one interval that suppress its transmission. None do by default. */
  readonly suppressAt?: number;
}

interface Interval {
  readonly lengthMs: Millis;
  readonly endsAt: Millis;
  /** t. */
  readonly sendAt: Millis;
  /** c: consistent messages heard. */
  readonly heard: number;
  /** t has come: its transmission was due, or suppressed. */
  readonly isDecided: boolean;
}

/**
 * When to repeat what one knows: often after news, rarely at rest (RFC 6206, section 4.2). It transmits nothing by itself: the
 * owner asks for {@link nextAt} and, once that time has come, calls {@link take}.
 */
export class Trickle {
  readonly #random: Random;
  readonly #minMs: Millis;
  readonly #maxMs: Millis;
  readonly #suppressAt: number;
  #interval: Interval | undefined;

  constructor(random: Random, options: TrickleOptions = {}) {
    const { minMs = TRICKLE_MIN_MS, maxMs = TRICKLE_MAX_MS, suppressAt = Number.POSITIVE_INFINITY } = options;
    assert(Number.isInteger(minMs) && minMs >= 2, `a shortest interval of ${minMs} ms`);
    assert(Number.isInteger(maxMs) && maxMs >= minMs, `intervals of ${minMs} to ${maxMs} ms`);
    assert(suppressAt >= 1, `suppression after ${suppressAt} messages`);
    this.#random = random;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#suppressAt = suppressAt;
  }

  /**
   * Rule 1. The RFC leaves the first interval open; here it is the shortest, since a board that starts has news. Starts again if
   * it runs.
   */
  start(now: Millis): void {
    this.#begin(now, this.#minMs);
  }

  /** Nothing is due until the next {@link start}. */
  stop(): void {
    this.#interval = undefined;
  }

  /** Rule 3: another node said the same. */
  handleConsistent(): void {
    if (this.#interval !== undefined) this.#interval = { ...this.#interval, heard: this.#interval.heard + 1 };
  }

  /**
   * Rule 6: there is news. True if a shortest interval began; false at the shortest interval, where nothing changes, and while
   * stopped. An interval lasts until {@link take} has ended it.
   */
  handleInconsistent(now: Millis): boolean {
    if (this.#interval === undefined || this.#interval.lengthMs === this.#minMs) return false;
    this.#begin(now, this.#minMs);
    return true;
  }

  /**
   * Rules 4 and 5: whether to transmit now. Ends an interval that is over, and begins the next one: where the call came late,
   * at `now`, so that after a jump of the clock a single transmission is made up for. Extra calls are harmless.
   */
  take(now: Millis): boolean {
    const interval = this.#interval;
    if (interval === undefined || now < interval.sendAt) return false;
    if (now >= interval.endsAt) this.#begin(now, Math.min(2 * interval.lengthMs, this.#maxMs));
    else this.#interval = { ...interval, isDecided: true };
    return !interval.isDecided && interval.heard < this.#suppressAt;
  }

  /** When {@link take} has something to do; undefined while stopped. May change after every call but `handleConsistent`. */
  get nextAt(): Millis | undefined {
    return this.#interval?.isDecided ? this.#interval.endsAt : this.#interval?.sendAt;
  }

  /** Rule 2. t is a whole number of milliseconds behind the start: a fraction could be rounded up to the end. */
  #begin(now: Millis, lengthMs: Millis): void {
    const halfMs = Math.ceil(lengthMs / 2);
    const sendAt = now + halfMs + randomBelow(this.#random, lengthMs - halfMs);
    this.#interval = { lengthMs, endsAt: now + lengthMs, sendAt, heard: 0, isDecided: false };
  }
}
