import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";

/** What has to be looked at when a time has come, as silence may have ended what it holds. */
export interface Watched {
  /** When {@link handleTimeout} is due; undefined when nothing is held. */
  pollTimeout(): Millis | undefined;
  handleTimeout(now: Millis): void;
}

/** Looks at a pure splitter or hunter on a clock. */
export class ClockedWatch {
  readonly #clock: Clock;
  readonly #watched: Watched;
  #timer: Timer | undefined;

  constructor(clock: Clock, watched: Watched) {
    this.#clock = clock;
    this.#watched = watched;
  }

  /** Call after bytes were handed over. One timer at most: when bytes came after it was set, it is set again as it fires. */
  watch(): void {
    if (this.#timer !== undefined) return;
    const at = this.#watched.pollTimeout();
    if (at !== undefined) this.#timer = this.#clock.after(at - this.#clock.now(), this.#look);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    this.#watched.handleTimeout(this.#clock.now());
    this.watch();
  };

  cancel(): void {
    this.#timer?.cancel();
  }
}
