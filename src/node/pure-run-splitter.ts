import type { Clock, Timer } from "../base/clock.ts";
import type { MakeSplitter, RunSplitter } from "../transport/transport.ts";
import { RUN_MAX } from "../wire/line-code.ts";
import { PureSplitter, type PureSplitterOptions } from "../wire/run-splitter.ts";

/** The pure splitter on a clock. Gives the same runs as the stream splitter. */
export class PureRunSplitter implements RunSplitter {
  readonly #pure: PureSplitter;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(
    onRun: (run: Uint8Array) => void,
    clock: Clock,
    options: PureSplitterOptions = { maxRun: RUN_MAX },
  ) {
    this.#pure = new PureSplitter(onRun, options);
    this.#clock = clock;
  }

  /** Bytes held, waiting for a delimiter; always below `maxRun`. */
  get heldBytes(): number {
    return this.#pure.heldBytes;
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
    this.#pure.handleTimeout(this.#clock.now());
    this.#watch();
  };

  close(): void {
    this.#timer?.cancel();
    this.#pure.close();
  }
}

/** The {@link MakeSplitter} for transports that name none: without Node's streams, for virtual time and the browser. */
export const makePureSplitter: MakeSplitter = (onRun, { clock, ...options }) =>
  new PureRunSplitter(onRun, clock, options);
