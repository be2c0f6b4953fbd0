import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import { FrameHunter, type HunterHandlers } from "../wire/fec/frame-hunter.ts";
import { ClockedWatch } from "./clocked-watch.ts";

/** The hunter for frames of the second form, on a clock. */
export class ClockedHunter {
  readonly #pure: FrameHunter;
  readonly #clock: Clock;
  readonly #watch: ClockedWatch;
  readonly #onTimer: () => void;

  /** `silenceMs`: silence after which nothing is held. `onTimer`: called when a silence had something delivered. */
  constructor(handlers: HunterHandlers, clock: Clock, silenceMs: Millis, onTimer: () => void) {
    this.#pure = new FrameHunter(handlers, silenceMs);
    this.#clock = clock;
    this.#onTimer = onTimer;
    this.#watch = new ClockedWatch(clock, this);
  }

  push(bytes: Uint8Array): void {
    this.#pure.push(this.#clock.now(), bytes);
    this.#watch.watch();
  }

  pollTimeout(): Millis | undefined {
    return this.#pure.pollTimeout();
  }

  handleTimeout(now: Millis): void {
    const before = this.#pure.heldBytes;
    this.#pure.handleTimeout(now);
    if (this.#pure.heldBytes < before) this.#onTimer();
  }

  close(): void {
    this.#watch.cancel();
    this.#pure.close();
  }
}
