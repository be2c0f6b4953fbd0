import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";

const FIRST_MS: Millis = 30_000;
const LAST_MS: Millis = 3_600_000;

/**
 * Waits after failures that may pass: about 30 s, then twice as long each time up to an hour, of which a random half is left out, so that
 * many nodes which lost a server at the same time do not come back at the same time.
 */
export class BackOff {
  readonly #random: Random;
  #next: Millis = FIRST_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The wait after one more failure; no shorter than what the server asked for. */
  take(retryAfterMs: Millis = 0): Millis {
    const wait = (this.#next / 2) * (1 + randomFraction(this.#random));
    this.#next = Math.min(2 * this.#next, LAST_MS);
    return Math.max(wait, retryAfterMs);
  }

  reset(): void {
    this.#next = FIRST_MS;
  }
}
