import type { Millis } from "../base/units.ts";
import type { Link } from "../link/link.ts";

/** A latency of 16 ms each way, as adapters and networks have, and both ends' software. */
const TURN_MIN_MS = 50;
/** A message, the first frames of its answer, and what may be before them on the line. */
const TURN_BYTES = 400;
/** A damaged run may be the answer that is missed only in an exchange that is no older. */
const YOUNG_MS = 1_000;
/** ... and only so often, whatever the noise. */
const HURRIES_MAX = 4;

/** The soonest after which the answer to an announcement is missed on this link. */
export function turnTime(link: Link): Millis {
  return TURN_MIN_MS + link.lineTime(TURN_BYTES);
}

/**
 * When one side of the handshake, or of the end of a session, says its message again: after `first` milliseconds, then after
 * twice as long each time, up to `longest` (PROTOCOL.md 6.4).
 */
export class Repeats {
  readonly #first: Millis;
  readonly #longest: Millis;
  readonly #beganAt: Millis;
  #interval: Millis;
  #saidAt: Millis = Number.NEGATIVE_INFINITY;
  #at: Millis;
  #hurriesLeft = HURRIES_MAX;

  /** The message is due now for the first time. `first` above `longest` counts as `longest`. */
  constructor(now: Millis, first: Millis, longest: Millis) {
    this.#first = Math.min(first, longest);
    this.#longest = longest;
    this.#beganAt = now;
    this.#interval = this.#first;
    this.#at = now;
  }

  /** When it is due. */
  get at(): Millis {
    return this.#at;
  }

  /** Takes the message that is due; true if it has to be sent now. */
  take(now: Millis): boolean {
    if (now < this.#at) return false;
    this.#saidAt = now;
    this.#at = now + this.#interval;
    this.#interval = Math.min(this.#longest, 2 * this.#interval);
    return true;
  }

  /** The answer has begun to arrive: the message is repeated if nothing more comes until `at`. */
  holdUntil(at: Millis): void {
    this.#at = at;
  }

  /** Sends it as soon as `afterMs` have passed since it was sent last. */
  bringForward(now: Millis, afterMs: Millis): void {
    this.#at = Math.min(this.#at, Math.max(now, this.#saidAt + afterMs));
  }

  /** A run came damaged: it may have been the answer. */
  handleDamage(now: Millis): void {
    if (this.#hurriesLeft === 0 || now - this.#beganAt >= YOUNG_MS) return;
    if (Math.max(now, this.#saidAt + this.#first / 2) >= this.#at) return;
    this.#hurriesLeft--;
    this.bringForward(now, this.#first / 2);
  }
}
