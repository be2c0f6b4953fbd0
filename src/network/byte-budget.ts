import type { Millis } from "../base/units.ts";

/** Bytes that were received in one hour, counted from the start of the account's time. */
export type Spending = readonly [hour: number, bytes: number];

/** Smallest budget of a day, in bytes. */
export const BUDGET_MIN = 65_536;
const HOUR_MS: Millis = 3_600_000;
const DAY_HOURS = 24;
/** Most hours that matter: those of a day, the present one, and the one that is a day old in part. */
export const SPENDINGS_MAX: number = DAY_HOURS + 2;

/**
 * Bytes that may be received in any 24 hours. Its time is not the clock's: it is the time that is known to have passed
 * ({@link passedSince}), which no clock that is set wrong moves.
 */
export class ByteBudget {
  readonly #limit: number;
  #spent: Spending[];

  /** `limit` in bytes; Infinity for none. */
  constructor(limit: number, spent: readonly Spending[]) {
    this.#limit = limit;
    this.#spent = [...spent];
  }

  /** Bytes that may still be received at `now`. */
  left(now: Millis): number {
    return Math.max(0, this.#limit - sum(this.#counting(now)));
  }

  /** Counts bytes before they are asked for: a process that is killed has spent them. */
  spend(now: Millis, bytes: number): void {
    const hour = hourOf(now);
    const counting = this.#counting(now);
    const rest = counting.filter(([other]) => other !== hour);
    const before = counting.find(([other]) => other === hour)?.[1] ?? 0;
    this.#spent = [...rest, [hour, before + bytes]];
  }

  /** Gives back what was counted last, and did not come. */
  giveBack(bytes: number): void {
    let left = bytes;
    this.#spent = this.#spent
      .toReversed()
      .map(([hour, spent]): Spending => {
        const taken = Math.min(spent, left);
        left -= taken;
        return [hour, spent - taken];
      })
      .toReversed();
  }

  /** How long until more is left than at `now`; 0 when nothing is spent. */
  untilMore(now: Millis): Millis {
    const hours = this.#counting(now).flatMap(([hour, bytes]) => (bytes > 0 ? [hour] : []));
    return hours.length === 0 ? 0 : (Math.min(...hours) + DAY_HOURS + 1) * HOUR_MS - now;
  }

  /** What counts at `now`, to be stored. */
  spendings(now: Millis): readonly Spending[] {
    return this.#counting(now).filter(([, bytes]) => bytes > 0);
  }

  /** What was spent within an hour counts until a day after that hour's end. */
  #counting(now: Millis): Spending[] {
    return this.#spent.filter(([hour]) => hour + DAY_HOURS >= hourOf(now));
  }
}

/**
 * Time that has certainly passed between two readings of the system's uptime, which no setting of the clock changes. After a restart of
 * the system it is the time since that: how long it was off, nobody knows.
 */
export function passedSince(storedUptime: Millis, uptime: Millis): Millis {
  return uptime >= storedUptime ? uptime - storedUptime : uptime;
}

function hourOf(now: Millis): number {
  return Math.floor(now / HOUR_MS);
}

function sum(spent: readonly Spending[]): number {
  return spent.reduce((total, [, bytes]) => total + bytes, 0);
}
