import type { Millis } from "../../base/units.ts";
import type { I2cTroubleKind } from "./bus-diagnosis.ts";

/** Failures in a row before they are reported. */
const FAILURES_MIN = 3;
/** A peripheral that was there and acknowledges nothing counts as busy for this long (the longest BUSY), then as absent. */
const NACK_LIMIT_MS: Millis = 10_000;
/** Failures of any other kind that last longer than this are reported. */
const OTHER_LIMIT_MS: Millis = 2_000;
/** Wait before the next try, doubled from failure to failure, from the first value to the last. */
const RETRY_FIRST_MS: Record<"nack" | "other", Millis> = { nack: 0.25, other: 2 };
const RETRY_LAST_MS: Record<"nack" | "other", Millis> = { nack: 50, other: 1_000 };

/** Counts failed transactions in a row: whether they are more than an accident, and how long to wait. Sans-IO. */
export class FailureStreak {
  #count = 0;
  #since: Millis = 0;
  #kind: I2cTroubleKind = "io";
  /** Failures of the present kind in a row. */
  #sameKind = 0;

  clear(): void {
    this.#count = 0;
    this.#sameKind = 0;
  }

  note(now: Millis, kind: I2cTroubleKind): void {
    if (this.#count === 0) this.#since = now;
    this.#count++;
    this.#sameKind = kind === this.#kind ? this.#sameKind + 1 : 1;
    this.#kind = kind;
  }

  /** Whether the failures so far are more than an accident; `wasUp`: a peripheral was there before. */
  isTrouble(now: Millis, wasUp: boolean): boolean {
    if (!wasUp) return this.#sameKind >= FAILURES_MIN;
    const limit = this.#kind === "nack" ? NACK_LIMIT_MS : OTHER_LIMIT_MS;
    return this.#count >= FAILURES_MIN && now - this.#since >= limit;
  }

  /** How long to wait before the next try. */
  get retryAfter(): Millis {
    const pace = this.#kind === "nack" ? "nack" : "other";
    return Math.min(RETRY_LAST_MS[pace], RETRY_FIRST_MS[pace] * 2 ** Math.min(30, this.#count - 1));
  }
}
