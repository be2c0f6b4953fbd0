import type { Millis } from "./units.ts";

/** A running timer. `cancel` may be called at any time, also after it fired. */
export interface Timer {
  cancel(): void;
}

/** Time and timers, handed in. {@link systemClock} is the real one; tests and the simulator hand in a `VirtualClock`. */
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
