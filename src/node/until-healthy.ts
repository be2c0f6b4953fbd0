import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";

/** For this long nobody may have been heard who needs something. */
const QUIET_MS: Millis = 15_000;
const LOOK_EVERY_MS: Millis = 250;

/**
 * Ends a node once its board boots and, for 15 s since its start, no neighbour was heard in distress or older: for scripts and
 * tests.
 */
export class UntilHealthy {
  readonly #clock: Clock;
  readonly #isHealthy: () => boolean;
  readonly #onHealthy: () => void;
  #quietSince: Millis;
  #timer: Timer | undefined;

  constructor(clock: Clock, isHealthy: () => boolean, onHealthy: () => void) {
    this.#clock = clock;
    this.#isHealthy = isHealthy;
    this.#onHealthy = onHealthy;
    this.#quietSince = clock.now();
    this.#look();
  }

  /** A neighbour needs something. */
  noteNeed(): void {
    this.#quietSince = this.#clock.now();
  }

  #look(): void {
    const isQuiet = this.#clock.now() - this.#quietSince >= QUIET_MS;
    if (isQuiet && this.#isHealthy()) this.#onHealthy();
    else this.#timer = this.#clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  close(): void {
    this.#timer?.cancel();
  }
}
