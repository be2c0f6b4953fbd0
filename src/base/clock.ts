import type { Millis } from "./units.ts";

/** A running timer. `cancel` may be called at any time, also after the timer has fired. */
export interface Timer {
  cancel(): void;
}

/** Time and timers, passed as an argument: {@link systemClock}, or a `VirtualClock` in tests and in the simulator. */
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
