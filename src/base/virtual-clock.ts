import type { Clock, Timer } from "./clock.ts";
import type { Millis } from "./units.ts";

/** A running timer and its place in the heap. */
interface Entry {
  readonly at: Millis;
  /** Timers set earlier have a lower number: they go first at equal times. */
  readonly order: number;
  readonly fire: () => void;
  /** Index in the heap; {@link GONE} once the timer has fired or was cancelled. */
  place: number;
}

const GONE = -1;
/** Children of a heap node. Four need fewer levels than two, and lie side by side. */
const ARITY = 4;

/**
 * Virtual time: stands still until {@link advanceTo} or {@link runNext} moves it. Timers of equal times fire in the
 * order in which they were set.
 *
 * A d-ary heap: setting, firing and cancelling cost the logarithm of the number of running timers. A cancelled timer
 * is removed at once and holds no memory.
 */
export class VirtualClock implements Clock {
  #now: Millis = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  now(): Millis {
    return this.#now;
  }

  /** Timers that were set and have neither fired nor been cancelled. */
  get runningTimers(): number {
    return this.#heap.length;
  }

  after(delay: Millis, fire: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, delay), order: this.#order++, fire, place: GONE };
    this.#raise(entry, this.#heap.length);
    return { cancel: () => this.#remove(entry) };
  }

  /** Moves to the next timer and fires it; false when there is none at or before `limit`. */
  runNext(limit: Millis = Number.POSITIVE_INFINITY): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.at > limit) return false;
    this.#remove(next);
    this.#now = Math.max(this.#now, next.at);
    next.fire();
    return true;
  }

  /** Fires everything due up to `time`, then stands at `time`. */
  advanceTo(time: Millis): void {
    while (this.runNext(time)) {
      // each call fires one timer
    }
    this.#now = Math.max(this.#now, time);
  }

  #remove(entry: Entry): void {
    const { place } = entry;
    if (place === GONE) return;
    entry.place = GONE;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    // The last entry fills the gap. It may belong above it as well as below.
    this.#raise(last, place);
    if (last.place === place) this.#lower(last, place);
  }

  /** Puts the entry at `from`, or as far above it as it belongs. */
  #raise(entry: Entry, from: number): void {
    let place = from;
    while (place > 0) {
      const above = Math.floor((place - 1) / ARITY);
      const parent = this.#heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(entry, place);
  }

  /** Puts the entry at `from`, or as far below it as it belongs. */
  #lower(entry: Entry, from: number): void {
    let place = from;
    for (let child = this.#firstOf(place); child !== undefined; child = this.#firstOf(place)) {
      if (!isBefore(child, entry)) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(entry, place);
  }

  /** The child of a place that fires first. */
  #firstOf(place: number): Entry | undefined {
    const start = place * ARITY + 1;
    let first = this.#heap[start];
    for (let i = start + 1; i < start + ARITY; i++) {
      const other = this.#heap[i];
      if (other === undefined || first === undefined) break;
      if (isBefore(other, first)) first = other;
    }
    return first;
  }

  #put(entry: Entry, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
