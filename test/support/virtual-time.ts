import type { Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";

/** Moves a clock, letting promises settle in between, until `condition` holds; false when `limitMs` is over first. */
export async function passUntil(
  clock: VirtualClock,
  condition: () => boolean,
  limitMs: Millis,
): Promise<boolean> {
  const limit = clock.now() + limitMs;
  for (;;) {
    await new Promise(setImmediate);
    if (condition()) return true;
    if (!clock.runNext(limit)) return false;
  }
}

/** Moves a clock by `ms`, letting promises settle in between. */
export async function pass(clock: VirtualClock, ms: Millis): Promise<void> {
  const end = clock.now() + ms;
  await passUntil(clock, () => false, ms);
  clock.advanceTo(end);
}

/** Moves a clock, letting promises settle in between, until the promise does: what it gives. */
export async function inVirtualTime<T>(
  clock: VirtualClock,
  promise: Promise<T>,
  limitMs: Millis = 60_000,
): Promise<T> {
  let isSettled = false;
  void promise.finally(() => {
    isSettled = true;
  });
  await passUntil(clock, () => isSettled, limitMs);
  return await promise;
}
