import type { Clock, Timer } from "../base/clock.ts";
import type { NodeEvent } from "./node-event.ts";

/** Most events that are held while an answer is pending. When more arrive, all are delivered immediately; none is lost. */
export const WAITING_EVENTS_MAX = 1024;

/**
 * Delivers events to the user after they were answered on the wire. The user's callback may be slow (it may print), and
 * an answer must not wait for it: events are queued, and delivered from a separate timer.
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

  /** Holds all events until `answer` settles: for answers that take time, such as an image from a repository. */
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

  /** Delivers all queued events, in order. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
      this.#onEvent(event);
  }
}
