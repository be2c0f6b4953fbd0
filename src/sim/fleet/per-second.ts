import type { Millis } from "../../base/units.ts";

/** Counts what happens in each second of virtual time. */
export class PerSecond {
  #counts: Float64Array = new Float64Array(1024);
  #total = 0;
  #end = 0;

  /** Counts `amount` at `now`. */
  add(now: Millis, amount: number = 1): void {
    const second = Math.floor(now / 1000);
    if (second >= this.#counts.length) {
      const longer = new Float64Array(Math.max(second + 1, 2 * this.#counts.length));
      longer.set(this.#counts);
      this.#counts = longer;
    }
    this.#counts[second] = (this.#counts[second] ?? 0) + amount;
    this.#total += amount;
    this.#end = Math.max(this.#end, second + 1);
  }

  /** Counts `amount`, spread evenly over the time from `start` to `end`. */
  spread(start: Millis, end: Millis, amount: number): void {
    for (let at = start; at < end; ) {
      const next = Math.min(end, 1000 * (Math.floor(at / 1000) + 1));
      this.add(at, (amount * (next - at)) / (end - start));
      at = next;
    }
  }

  get total(): number {
    return this.#total;
  }

  /** The most in one second, of those from `from` up to, not including, `to`. */
  peak(from: Millis = 0, to: Millis = Number.POSITIVE_INFINITY): number {
    return this.#between(from, to).reduce((most, count) => Math.max(most, count), 0);
  }

  /** All of these seconds. */
  sum(from: Millis, to: Millis = Number.POSITIVE_INFINITY): number {
    return this.#between(from, to).reduce((sum, count) => sum + count, 0);
  }

  #between(from: Millis, to: Millis): Float64Array {
    return this.#counts.subarray(Math.floor(from / 1000), Math.min(this.#end, Math.ceil(to / 1000)));
  }
}
