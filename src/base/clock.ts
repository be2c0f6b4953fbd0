import type { Millis } from "./units.ts";

/** A running timer. `cancel` may be called at any time, also after it fired. */
export interface Timer {
  cancel(): void;
}

/** Time and timers, handed in. {@link systemClock} is the real one; tests and the simulator bring a virtual one. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. */
  now(): Millis;
  /** Calls `fire` once, no earlier than `delay` from now. */
  after(delay: Millis, fire: () => void): Timer;
}

/** The process's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, fire) => {
    const handle = setTimeout(fire, Math.max(0, delay));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Virtual time: stands still until {@link VirtualClock.advanceTo} or {@link VirtualClock.runNext} moves it. */
export class VirtualClock implements Clock {
  #now: Millis = 0;
  #order = 0;
  readonly #timers: { at: Millis; order: number; fire: () => void; cancelled: boolean }[] = [];

  now(): Millis {
    return this.#now;
  }

  after(delay: Millis, fire: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, delay), order: this.#order++, fire, cancelled: false };
    let low = 0;
    let high = this.#timers.length;
    // Sorted latest first, so that the next one is popped from the end; equal times fire in the order they were set.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && other.at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  }

  /** Moves to the next timer and fires it; false when there is none at or before `limit`. */
  runNext(limit: Millis = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const timer = this.#timers.at(-1);
      if (timer === undefined || timer.at > limit) return false;
      this.#timers.pop();
      if (timer.cancelled) continue;
      this.#now = Math.max(this.#now, timer.at);
      timer.fire();
      return true;
    }
  }

  /** Fires everything due up to `time`, then stands at `time`. */
  advanceTo(time: Millis): void {
    while (this.runNext(time)) {
      // each call fires one timer
    }
    this.#now = Math.max(this.#now, time);
  }
}
