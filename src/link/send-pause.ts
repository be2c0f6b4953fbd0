import type { Millis } from "../base/units.ts";
import type { LinkTimers } from "./link-timers.ts";

/** A peer that is deaf is probed this often: it may hear again before its time is over (PROTOCOL.md 5.11). */
const PAUSE_PROBE_MS = 1_000;

/**
 * The time in which a peer is deaf and nothing but a probe a second is sent to it. It ends when its time is over, when the
 * peer says something else than *busy*, or when it acknowledges a packet that was sent within it.
 */
export class SendPause {
  readonly #timers: LinkTimers;
  #until: Millis | undefined;
  #firstNumber = 0;

  /** `timers`: runs the timer "pause" there. */
  constructor(timers: LinkTimers) {
    this.#timers = timers;
  }

  get isOn(): boolean {
    return this.#until !== undefined;
  }

  /** Begins it, or makes it longer. `nextNumber`: of the next packet. */
  begin(until: Millis, nextNumber: number): void {
    if (this.#until === undefined) this.#firstNumber = nextNumber;
    this.#until = Math.max(this.#until ?? until, until);
    this.#timers.set("pause", this.#until);
  }

  /** Whether it ends now because its time is over. */
  isOver(now: Millis): boolean {
    return this.#until !== undefined && this.#until <= now;
  }

  /** Whether an ack up to packet `highest` shows that the peer hears. */
  isContradictedBy(highest: number): boolean {
    return this.#until !== undefined && highest >= this.#firstNumber;
  }

  end(): void {
    this.#until = undefined;
    this.#timers.clear("pause");
  }

  /** When to probe next, after a packet that left the line at `lastDueAt`, or after the beginning. */
  probeAt(lastAt: Millis): Millis {
    return lastAt + PAUSE_PROBE_MS;
  }
}
