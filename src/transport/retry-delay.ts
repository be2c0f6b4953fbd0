import type { Millis } from "../base/units.ts";

const FIRST_MS: Millis = 100;
const LAST_MS: Millis = 2000;

/** Waits between attempts to connect or to open again: 100 ms, then twice as long each time up to 2 s, without end. */
export class RetryDelay {
  #next: Millis = FIRST_MS;

  /** The wait before the next attempt, in milliseconds; the one after that is longer. */
  take(): Millis {
    const wait = this.#next;
    this.#next = Math.min(2 * wait, LAST_MS);
    return wait;
  }

  /** An attempt succeeded: begins again with the shortest wait. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
