import type { Millis } from "../base/units.ts";

/** A board answers an offer long before; it is repeated for 5 s. */
const ANSWER_MS: Millis = 6_000;
/** Who called without answering is held against the link for this long after the last of it. */
const FORGOTTEN_MS: Millis = 60_000;

/**
 * Whether offers that are out on a link may hold up boards on other links: not when those who call there do not answer, under
 * one id or many.
 */
export class UnansweredOffers {
  #since: Millis | undefined;
  #seenAt: Millis = 0;

  /** An image is picked or offered on the link, or sent (`isSending`): whether others wait for that. */
  holdsUp(now: Millis, isSending: boolean): boolean {
    if (isSending) {
      this.#since = undefined;
      return true;
    }
    if (this.#since === undefined || now - this.#seenAt > FORGOTTEN_MS) this.#since = now;
    this.#seenAt = now;
    return now - this.#since < ANSWER_MS;
  }
}
