import { assert } from "./assert.ts";
import type { Millis } from "./units.ts";

/**
 * The deadlines of one owner, by name. `Name` is a closed union; its owner documents each member in one line, so that
 * one place lists everything that the owner waits for:
 *
 *     type Timer =
 *       // Send the offer again.
 *       | "repeat"
 *       // Give up: nobody has answered the offer.
 *       | "giveUp";
 *
 * Fires nothing by itself: the owner asks for {@link next} and, once that time has come, for what is due.
 */
export class TimerTable<Name extends string> {
  readonly #deadlines: Map<Name, Millis> = new Map();

  /** Starts the timer, or moves it if it runs. `at` may lie in the past: the timer is due then. Not NaN. */
  set(name: Name, at: Millis): void {
    assert(!Number.isNaN(at), `timer ${name} at NaN`);
    this.#deadlines.set(name, at);
  }

  /** Stops the timer. Does nothing if it does not run. */
  clear(name: Name): void {
    this.#deadlines.delete(name);
  }

  /** When the timer is due; undefined when it does not run. */
  at(name: Name): Millis | undefined {
    return this.#deadlines.get(name);
  }

  /** Whether the timer runs and its time has come. A timer is due from its deadline on, until it is set or cleared. */
  isDue(name: Name, now: Millis): boolean {
    const at = this.#deadlines.get(name);
    return at !== undefined && at <= now;
  }

  /** Stops the timer if it is due; whether it was. */
  take(name: Name, now: Millis): boolean {
    return this.isDue(name, now) && this.#deadlines.delete(name);
  }

  /** The earliest deadline; undefined when no timer runs. May change after: {@link set}, {@link clear}, {@link take}. */
  next(): Millis | undefined {
    let next: Millis | undefined;
    for (const at of this.#deadlines.values()) if (next === undefined || at < next) next = at;
    return next;
  }
}
