import type { Millis } from "../base/units.ts";

/** What each byte of progress adds to a budget, in milliseconds: its time on a line of 1200 baud. */
const EARNED_MS_PER_BYTE = 10_000 / 1_200;

/**
 * A clock for the limits of a session that stands still while own work runs, and while the other side announced that it
 * needs time (*busy*, *later*). Announcements that overlap count once. They are believed within a budget; own work needs
 * none (PROTOCOL.md 6.5).
 */
export class ExcusedTime {
  /** Up to when the sums below are right. */
  #at: Millis;
  #stoodMs: Millis = 0;
  #workedMs: Millis = 0;
  #budgetMs: Millis;
  #announcedUntil: Millis = Number.NEGATIVE_INFINITY;
  #isWorking = false;
  #lastStoodAt: Millis = Number.NEGATIVE_INFINITY;

  /** `budgetMs`: how long announcements may hold the clock in all, before any progress. */
  constructor(now: Millis, budgetMs: Millis) {
    this.#at = now;
    this.#budgetMs = budgetMs;
  }

  /** The other side needs `forMs` from now on. */
  announce(now: Millis, forMs: Millis): void {
    this.#advance(now);
    this.#announcedUntil = Math.max(this.#announcedUntil, now + forMs);
  }

  /** The other side continues: what it announced is over. */
  endAnnounced(now: Millis): void {
    this.#advance(now);
    this.#announcedUntil = Math.min(this.#announcedUntil, now);
  }

  /** Own work begins, or the last of it has ended. */
  setWorking(now: Millis, isWorking: boolean): void {
    this.#advance(now);
    this.#isWorking = isWorking;
  }

  /** `bytes` of progress add to the budget what they take at 1200 baud. */
  earn(bytes: number): void {
    this.#budgetMs += bytes * EARNED_MS_PER_BYTE;
  }

  /** The time on this clock: `now` less all time that it stood still. */
  counted(now: Millis): Millis {
    this.#advance(now);
    return now - this.#stoodMs;
  }

  /** When this clock will show `counted`, if nothing more is announced; undefined while own work runs. */
  realTime(counted: Millis): Millis | undefined {
    if (this.#isWorking) return undefined;
    const standsMs = counted > this.#at - this.#stoodMs ? this.announcedUntil - this.#at : 0;
    return counted + this.#stoodMs + Math.max(0, standsMs);
  }

  /** Whether this clock has shown `counted`: from the time on that {@link realTime} names, to the last bit. */
  hasReached(now: Millis, counted: Millis): boolean {
    this.#advance(now);
    const at = this.realTime(counted);
    return at !== undefined && at <= now;
  }

  /** `now` less the time of own work alone: for what is held against the other side. */
  withoutWork(now: Millis): Millis {
    this.#advance(now);
    return now - this.#workedMs;
  }

  /** Whether the budget for announcements is used up. */
  get isSpent(): boolean {
    return this.#budgetMs < 1;
  }

  /** Until when it stood last; `now` while it stands. */
  lastStoodAt(now: Millis): Millis {
    this.#advance(now);
    return this.#lastStoodAt;
  }

  /** Until when an announcement holds the clock, as far as the budget allows. In the past when none does. */
  get announcedUntil(): Millis {
    return Math.min(this.#announcedUntil, this.#at + this.#budgetMs);
  }

  #advance(now: Millis): void {
    const standsUntil = this.#isWorking ? now : Math.min(now, this.announcedUntil);
    if (standsUntil > this.#at) {
      this.#stoodMs += standsUntil - this.#at;
      if (this.#isWorking) this.#workedMs += standsUntil - this.#at;
      else this.#budgetMs -= standsUntil - this.#at;
      this.#lastStoodAt = standsUntil;
    }
    this.#at = Math.max(this.#at, now);
  }
}
