import type { Clock, Timer } from "../base/clock.ts";
import type { Splitter } from "../transport/splitter.ts";
import { RUN_MAX } from "../wire/constants.ts";
import { PureSplitter } from "../wire/run-splitter.ts";

/** The pure splitter on a clock: for virtual time. Gives the same runs as the stream splitter. */
export class PureRunSplitter implements Splitter {
  readonly #pure: PureSplitter;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(onRun: (run: Uint8Array) => void, clock: Clock) {
    this.#pure = new PureSplitter(onRun, { maxRun: RUN_MAX });
    this.#clock = clock;
  }

  push(bytes: Uint8Array): void {
    this.#pure.push(this.#clock.now(), bytes);
    this.#timer?.cancel();
    const at = this.#pure.pollTimeout();
    if (at === undefined) return;
    this.#timer = this.#clock.after(at - this.#clock.now(), () =>
      this.#pure.handleTimeout(this.#clock.now()),
    );
  }

  close(): void {
    this.#timer?.cancel();
    this.#pure.close();
  }
}
