import type { Clock, Timer } from "../../src/base/clock.ts";
import { randomBelow, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";

/** How long effects take, and when in that time the work is done. */
export interface SlowEffects {
  /** Each effect takes one of these, drawn by the seed of the run; 1, 50 and 500 ms unless given. */
  readonly delaysMs?: readonly Millis[];
  /** The board or the image is used when the effect begins, and reported later; or at the end, just before the report. */
  readonly works: "first" | "last";
  /** False: the choice of an image takes no time. */
  readonly isPickSlow?: boolean;
}

/** The effects of one side that are under way. They end in any order that their durations lead to. */
export class EffectsUnderWay {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #delaysMs: readonly Millis[];
  readonly #timers: Map<number, Timer> = new Map();
  #begun = 0;
  /** Most that were under way at the same time. */
  most = 0;
  /** Effects that ended after one that began later. */
  overtaken = 0;
  /** Effects that ended after their session. */
  late = 0;

  constructor(clock: Clock, seed: number, { delaysMs = [1, 50, 500] }: SlowEffects) {
    this.#clock = clock;
    this.#random = new SeededRandom(seed ^ 0x510_e55);
    this.#delaysMs = delaysMs;
  }

  get count(): number {
    return this.#timers.size;
  }

  /** Calls `end` after a time that is drawn. */
  begin(end: () => void): void {
    const number = this.#begun++;
    const delay = this.#delaysMs[randomBelow(this.#random, this.#delaysMs.length)] ?? 0;
    const timer = this.#clock.after(delay, () => {
      this.#timers.delete(number);
      for (const other of this.#timers.keys()) if (other < number) this.overtaken++;
      end();
    });
    this.#timers.set(number, timer);
    this.most = Math.max(this.most, this.#timers.size);
  }

  /** The power goes: nothing that is under way ends. */
  drop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
