import type { Millis } from "../base/units.ts";

/** Questions are answered at most this often (PROTOCOL.md 5.1, five a second). */
export const ANSWER_INTERVAL_MS = 200;

/** When a question is answered: at once, at most five times a second. */
export class AnswerTimer {
  #dueAt: Millis | undefined;
  #lastAt: Millis = Number.NEGATIVE_INFINITY;

  /** Somebody asked. */
  ask(now: Millis): void {
    this.#dueAt ??= Math.max(now, this.#lastAt + ANSWER_INTERVAL_MS);
  }

  /** When the answer is due; undefined when nobody asked. */
  get dueAt(): Millis | undefined {
    return this.#dueAt;
  }

  /** Takes the answer that is due; true if it has to be given now. */
  take(now: Millis): boolean {
    if (this.#dueAt === undefined || now < this.#dueAt) return false;
    this.#dueAt = undefined;
    this.#lastAt = now;
    return true;
  }

  /** Nobody needs an answer any more. */
  drop(): void {
    this.#dueAt = undefined;
  }
}
