import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";

/** When it is said for the first time that nobody has answered yet, and how much longer it takes each time, up to the longest. */
const FIRST_MS: Millis = 10_000;
const GROWTH = 3;
const LONGEST_MS: Millis = 600_000;

/** Says again and again, more and more rarely, that a board still calls, as long as nobody serves it. */
export class CallingReports {
  readonly #clock: Clock;
  readonly #isServed: () => boolean;
  readonly #report: (forMs: Millis) => void;
  #timer: Timer | undefined;
  #since: Millis;

  /** `report` gets how long nobody has served the board. */
  constructor(clock: Clock, isServed: () => boolean, report: (forMs: Millis) => void) {
    this.#clock = clock;
    this.#isServed = isServed;
    this.#report = report;
    this.#since = clock.now();
    this.#waitFor(FIRST_MS);
  }

  #waitFor(ms: Millis): void {
    this.#timer = this.#clock.after(ms, () => {
      if (this.#isServed()) {
        this.#since = this.#clock.now();
        this.#waitFor(FIRST_MS);
        return;
      }
      this.#report(this.#clock.now() - this.#since);
      this.#waitFor(Math.min(ms * GROWTH, LONGEST_MS));
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}
