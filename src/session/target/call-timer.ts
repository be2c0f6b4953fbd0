import { type Random, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";

/** A target calls this often in its first two seconds on a link: both ends are often started together. */
const EARLY_INTERVAL_MS = 100;
const EARLY_FOR_MS = 2_000;
/** ... this often in its first ten, so that it costs little who starts first. */
const FIRST_INTERVAL_MS = 300;
const FIRST_FOR_MS = 10_000;
/** ... and after that, for as long as it is in distress. */
const INTERVAL_MS = 2_000;
/** Calls on the other links of a target that is served. */
const SERVED_INTERVAL_MS = 30_000;
/** A board that boots says so less and less often. */
const HEALTHY_INTERVAL_MAX_MS = 60_000;
/** Calls take at most this share of the line. */
const CALL_SHARE = 0.05;
/** How long a target waits with its next call after a refusal. */
const AFTER_REFUSAL_MS = 500;
/** Each wait is up to a tenth shorter, so that two nodes do not call in step. */
const JITTER = 0.1;

/** When a target calls next (PROTOCOL.md 5.2). */
export class CallTimer {
  readonly #random: Random;
  #startedAt: Millis;
  #nextAt: Millis;
  #isServedElsewhere = false;
  #healthyInterval: Millis = FIRST_INTERVAL_MS;

  constructor(now: Millis, random: Random) {
    this.#random = random;
    this.#startedAt = now;
    this.#nextAt = now;
  }

  /** When the next call is due. */
  get nextAt(): Millis {
    return this.#nextAt;
  }

  /** Another link serves the board. */
  get isServedElsewhere(): boolean {
    return this.#isServedElsewhere;
  }

  /** The link came up. */
  start(now: Millis): void {
    this.#startedAt = now;
    this.#nextAt = this.#isServedElsewhere ? now + SERVED_INTERVAL_MS : now;
    this.#healthyInterval = FIRST_INTERVAL_MS;
  }

  /** The board is to be heard at once: it lost its session, for instance. */
  callNow(now: Millis): void {
    this.#nextAt = now;
  }

  /** An offer was refused: leaves time for the next one. */
  handleRefused(now: Millis): void {
    this.#nextAt = now + AFTER_REFUSAL_MS;
  }

  /** Another link serves the board now, or no longer does: it calls rarely, or at once. */
  setServedElsewhere(now: Millis, isServed: boolean): void {
    if (isServed === this.#isServedElsewhere) return;
    this.#isServedElsewhere = isServed;
    this.#nextAt = isServed ? now + SERVED_INTERVAL_MS : now;
  }

  /** A call goes out that takes `lineMs` on the line. `isInDistress`: else it is a beacon of a board that boots. */
  sent(now: Millis, lineMs: Millis, isInDistress: boolean): void {
    const jitter = 1 - JITTER * randomFraction(this.#random);
    this.#nextAt = now + Math.max(this.#takeInterval(now, isInDistress) * jitter, lineMs / CALL_SHARE);
  }

  #takeInterval(now: Millis, isInDistress: boolean): Millis {
    if (this.#isServedElsewhere) return SERVED_INTERVAL_MS;
    if (isInDistress) return distressInterval(now - this.#startedAt);
    const interval = this.#healthyInterval;
    this.#healthyInterval = Math.min(HEALTHY_INTERVAL_MAX_MS, 2 * interval);
    return interval;
  }
}

/** Between two calls of a board in distress, so long after its link came up. */
function distressInterval(sinceMs: Millis): Millis {
  if (sinceMs < EARLY_FOR_MS) return EARLY_INTERVAL_MS;
  return sinceMs < FIRST_FOR_MS ? FIRST_INTERVAL_MS : INTERVAL_MS;
}
