import type { Clock, Timer } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import { FrameHunter, type HunterHandlers } from "../wire/fec/frame-hunter.ts";

/** The hunter for frames of the second form, on a clock. */
export class ClockedHunter {
  readonly #pure: FrameHunter;
  readonly #clock: Clock;
  readonly #onTimer: () => void;
  #timer: Timer | undefined;

  /** `silenceMs`: silence after which nothing is held. `onTimer`: called when a silence had something delivered. */
  constructor(handlers: HunterHandlers, clock: Clock, silenceMs: Millis, onTimer: () => void) {
    this.#pure = new FrameHunter(handlers, silenceMs);
    this.#clock = clock;
    this.#onTimer = onTimer;
  }

  push(bytes: Uint8Array): void {
    this.#pure.push(this.#clock.now(), bytes);
    this.#watch();
  }

  /** One timer at most: when bytes came after it was set, it is set again as it fires. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const at = this.#pure.pollTimeout();
    if (at !== undefined) this.#timer = this.#clock.after(at - this.#clock.now(), this.#look);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const before = this.#pure.heldBytes;
    this.#pure.handleTimeout(this.#clock.now());
    this.#watch();
    if (this.#pure.heldBytes < before) this.#onTimer();
  };

  close(): void {
    this.#timer?.cancel();
    this.#pure.close();
  }
}
