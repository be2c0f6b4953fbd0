import type { Millis } from "../base/units.ts";

const QUERIES = 3;
const QUERY_INTERVAL_MS = 100;
/** After noise the queries are repeated: after 0.5 s at first, then less and less often. */
const NOISE_FIRST_MS = 500;
const NOISE_LAST_MS = 30_000;

/** "Who is there?" three times at 100 ms, on open and after a reconnect (PROTOCOL.md 5.1). */
export class QueryTimer {
  #left = 0;
  #nextAt: Millis = 0;
  #noiseInterval: Millis = NOISE_FIRST_MS;
  #quietUntil: Millis = 0;

  /** Begins the three queries. */
  start(now: Millis): void {
    this.#left = QUERIES;
    this.#nextAt = now;
  }

  /** Somebody is there: no more queries. */
  stop(): void {
    this.#left = 0;
    this.#noiseInterval = NOISE_FIRST_MS;
  }

  /** Something unreadable came, which may have been a call on a bad line: asks again, with back-off. */
  handleNoise(now: Millis): void {
    if (this.#left > 0 || now < this.#quietUntil) return;
    this.start(now);
    this.#quietUntil = now + this.#noiseInterval;
    this.#noiseInterval = Math.min(NOISE_LAST_MS, 2 * this.#noiseInterval);
  }

  get nextAt(): Millis | undefined {
    return this.#left > 0 ? this.#nextAt : undefined;
  }

  /** Takes the query that is due; true if one has to be sent now. */
  take(now: Millis): boolean {
    if (this.#left === 0 || this.#nextAt > now) return false;
    this.#left--;
    this.#nextAt = now + QUERY_INTERVAL_MS;
    return true;
  }
}
