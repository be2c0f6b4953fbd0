import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";

/** After a connection is lost all sites come back within this long, each at a moment of its own. */
export const RECONNECT_FIRST_MS: Millis = 30_000;
/** Longest window of later attempts. */
export const RECONNECT_MAX_MS: Millis = 300_000;
/** A connection that held for this long was a good one: the windows begin again. */
const GOOD_MS: Millis = 60_000;

/** When to connect again: full jitter, which spreads many sites evenly over a window that doubles. */
export class Reconnect {
  readonly #random: Random;
  readonly #first: Millis;
  readonly #most: Millis;
  #failures = 0;
  #upSince: Millis | undefined;

  constructor(
    random: Random,
    {
      first = RECONNECT_FIRST_MS,
      most = RECONNECT_MAX_MS,
    }: { readonly first?: Millis; readonly most?: Millis } = {},
  ) {
    this.#random = random;
    this.#first = first;
    this.#most = most;
  }

  handleUp(now: Millis): void {
    this.#upSince = now;
  }

  /** The connection was lost, or could not be made: how long to wait. */
  delayAfter(now: Millis): Millis {
    const wasGood = this.#upSince !== undefined && now - this.#upSince >= GOOD_MS;
    this.#upSince = undefined;
    if (wasGood) this.#failures = 0;
    const window = Math.min(this.#most, this.#first * 2 ** Math.min(this.#failures++, 16));
    return randomFraction(this.#random) * window;
  }
}
