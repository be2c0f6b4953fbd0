import type { Millis } from "../../base/units.ts";

/** Least hourly allowance of bytes for boards that do not get healed. */
const WASTED_BYTES_MIN = 1_048_576;
/** ... and at least this many times the image. */
const WASTED_IMAGES = 8;
const HOUR_MS = 3_600_000;

/**
 * What a rescuer sends over one link without healing anyone (PROTOCOL.md 6.5). The allowance refills over an hour; the
 * session that uses it up may overdraw it, and the next one waits until the debt is gone.
 */
export class ServingBudget {
  #limit = WASTED_BYTES_MIN;
  /** Wasted bytes at `#at`, less what has refilled. */
  #spent = 0;
  #at: Millis = 0;

  /** A session ended without a healed board: `bytes` were sent in it, of an image of `size` bytes. */
  charge(now: Millis, bytes: number, size: number): void {
    this.#spent = this.#spentAt(now);
    this.#at = now;
    this.#limit = Math.max(WASTED_BYTES_MIN, WASTED_IMAGES * size);
    this.#spent += bytes;
  }

  /** A board was healed: nothing sent before was wasted. */
  clear(): void {
    this.#spent = 0;
  }

  /** Whether another session may begin. */
  isLeft(now: Millis): boolean {
    return this.#spentAt(now) < this.#limit;
  }

  #spentAt(now: Millis): number {
    return Math.max(0, this.#spent - ((now - this.#at) / HOUR_MS) * this.#limit);
  }
}
