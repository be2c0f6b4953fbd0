import type { Clock, Timer } from "./clock.ts";
import type { Millis } from "./units.ts";

/** Place of a timer that has fired or was cancelled. */
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
  readonly #heap: HeapTimer[] = [];

  now(): Millis {
    return this.#now;
  }

  /** Timers that were set and have neither fired nor been cancelled. */
  get runningTimers(): number {
    return this.#heap.length;
  }

  after(delay: Millis, fire: () => void): Timer {
    const timer = new HeapTimer(this.#now + Math.max(0, delay), this.#order++, fire, this.#remove);
    this.#raise(timer, this.#heap.length);
    return timer;
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

  readonly #remove = (timer: HeapTimer): void => {
    const { place } = timer;
    if (place === GONE) return;
    timer.place = GONE;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    // The last timer fills the gap. It may belong above it as well as below.
    this.#raise(last, place);
    if (last.place === place) this.#lower(last, place);
  };

  /** Puts the timer at `from`, or as far above it as it belongs. */
  #raise(timer: HeapTimer, from: number): void {
    let place = from;
    while (place > 0) {
      const above = Math.floor((place - 1) / ARITY);
      const parent = this.#heap[above];
      if (parent === undefined || !isBefore(timer, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(timer, place);
  }

  /** Puts the timer at `from`, or as far below it as it belongs. */
  #lower(timer: HeapTimer, from: number): void {
    let place = from;
    for (let child = this.#firstOf(place); child !== undefined; child = this.#firstOf(place)) {
      if (!isBefore(child, timer)) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(timer, place);
  }

  /** The child of a place that fires first. */
  #firstOf(place: number): HeapTimer | undefined {
    const start = place * ARITY + 1;
    let first = this.#heap[start];
    for (let i = start + 1; i < start + ARITY; i++) {
      const other = this.#heap[i];
      if (other === undefined || first === undefined) break;
      if (isBefore(other, first)) first = other;
    }
    return first;
  }

  #put(timer: HeapTimer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

/** A running timer and its place in the heap. One object each: a simulation of many boards sets millions. */
class HeapTimer implements Timer {
  readonly at: Millis;
  /** Timers set earlier have a lower number: they go first at equal times. */
  readonly order: number;
  readonly fire: () => void;
  /** Index in the heap, or {@link GONE}. */
  place: number = GONE;
  readonly #remove: (timer: HeapTimer) => void;

  constructor(at: Millis, order: number, fire: () => void, remove: (timer: HeapTimer) => void) {
    this.at = at;
    this.order = order;
    this.fire = fire;
    this.#remove = remove;
  }

  cancel(): void {
    this.#remove(this);
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
