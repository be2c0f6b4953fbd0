import type { Millis } from "../base/units.ts";

const QUERIES = 3;
const QUERY_INTERVAL_MS = 100;

/** "Who is there?" three times at 100 ms, on open and after a reconnect (protocol decision S2). */
export class QueryTimer {
  #left = 0;
  #nextAt: Millis = 0;

  /** Begins the three queries. */
  start(now: Millis): void {
    this.#left = QUERIES;
    this.#nextAt = now;
  }

  /** Somebody is there: no further query. */
  stop(): void {
    this.#left = 0;
  }

  get nextAt(): Millis | undefined {
    return this.#left > 0 ? this.#nextAt : undefined;
  }

  /** Whether a query goes out now. */
  take(now: Millis): boolean {
    if (this.#left === 0 || this.#nextAt > now) return false;
    this.#left--;
    this.#nextAt = now + QUERY_INTERVAL_MS;
    return true;
  }
}
