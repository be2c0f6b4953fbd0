import type { Clock, Timer } from "../base/clock.ts";
import type { NodeEvent } from "./node-event.ts";

/** Events that wait at most while an answer takes its time; beyond that they are told at once, and none is lost. */
export const WAITING_EVENTS_MAX = 1024;

/**
 * Events on their way to the user. What the user does with one may take its time (printing, say), and no answer on the
 * wire may wait for that: events are told from a timer of their own, when what led to them is answered.
 */
export class EventQueue {
  readonly #clock: Clock;
  readonly #onEvent: (event: NodeEvent) => void;
  readonly #waiting: NodeEvent[] = [];
  #answers = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, onEvent: (event: NodeEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  push(event: NodeEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > WAITING_EVENTS_MAX) this.flush();
    else this.#schedule();
  }

  /** Tells nothing until an answer that is not there at once, an image from a repository, has been given. */
  async whileAnswering(answer: Promise<void>): Promise<void> {
    this.#answers++;
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      await answer;
    } finally {
      this.#answers--;
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#answers > 0 || this.#timer !== undefined || this.#waiting.length === 0) return;
    this.#timer = this.#clock.after(0, () => this.flush());
  }

  /** Tells all that waits, in order. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
      this.#onEvent(event);
  }
}
