import type { Millis } from "../../base/units.ts";

/** Bytes that may be sent in an hour to boards that are not healed by them: at least so many. */
const VAIN_BYTES_MIN = 1_048_576;
/** ... and so many times the image. */
const VAIN_IMAGES = 8;
const HOUR_MS = 3_600_000;

/**
 * What a rescuer is willing to send over one link in vain (PROTOCOL.md 6.5). It fills up again over an hour; the session
 * that used it up may overdraw it, and the next one waits until that is made good.
 */
export class ServingBudget {
  #limit = VAIN_BYTES_MIN;
  /** Bytes sent in vain, less what time has forgiven. */
  #spent = 0;
  #at: Millis = 0;

  /** A session ended without a healed board: `bytes` were sent in it, of an image of `size` bytes. */
  charge(now: Millis, bytes: number, size: number): void {
    this.#settle(now);
    this.#limit = Math.max(VAIN_BYTES_MIN, VAIN_IMAGES * size);
    this.#spent += bytes;
  }

  /** A board was healed: what was sent before was not in vain. */
  clear(): void {
    this.#spent = 0;
  }

  /** Whether another session may begin. */
  isLeft(now: Millis): boolean {
    this.#settle(now);
    return this.#spent < this.#limit;
  }

  #settle(now: Millis): void {
    this.#spent = Math.max(0, this.#spent - ((now - this.#at) / HOUR_MS) * this.#limit);
    this.#at = now;
  }
}
