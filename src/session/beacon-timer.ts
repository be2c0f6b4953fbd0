import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";

const INTERVAL_MIN_MS = 500;
const INTERVAL_MAX_MS = 60_000;
/** Queries are answered at most this often (PROTOCOL.md 5.1, five a second). */
const ANSWER_INTERVAL_MS = 200;

/** When to send the next distress: jittered, backing off from 0.5 s to 60 s (PROTOCOL.md 5.2). */
export class BeaconTimer {
  readonly #random: Random;
  #interval: Millis = INTERVAL_MIN_MS;
  #nextAt: Millis;
  #lastSentAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(now: Millis, random: Random) {
    this.#random = random;
    this.#nextAt = now;
  }

  get nextAt(): Millis {
    return this.#nextAt;
  }

  /** A beacon goes out now; the wait for the next one doubles, up to the limit. */
  sent(now: Millis): void {
    this.#lastSentAt = now;
    this.#nextAt = now + this.#interval * (0.75 + 0.5 * randomFraction(this.#random));
    this.#interval = Math.min(INTERVAL_MAX_MS, 2 * this.#interval);
  }

  /** Somebody asked, or came up: answers immediately, at most five times a second, and restarts the back-off. */
  handleQuestion(now: Millis): void {
    this.#interval = INTERVAL_MIN_MS;
    this.#nextAt = Math.max(now, this.#lastSentAt + ANSWER_INTERVAL_MS);
  }

  /** Something unreadable came, which may have been a query on a bad line: continues at the shortest interval. */
  handleNoise(now: Millis): void {
    this.#interval = INTERVAL_MIN_MS;
    this.#nextAt = Math.min(this.#nextAt, now + INTERVAL_MIN_MS);
  }
}
