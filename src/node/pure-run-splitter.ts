import type { Clock } from "../base/clock.ts";
import type { MakeSplitter, RunSplitter } from "../transport/transport.ts";
import { RUN_MAX } from "../wire/line-code.ts";
import { PureSplitter, type PureSplitterOptions } from "../wire/run-splitter.ts";
import { ClockedWatch } from "./clocked-watch.ts";

/** The pure splitter on a clock. Gives the same runs as the stream splitter. */
export class PureRunSplitter implements RunSplitter {
  readonly #pure: PureSplitter;
  readonly #clock: Clock;
  readonly #watch: ClockedWatch;

  constructor(
    onRun: (run: Uint8Array) => void,
    clock: Clock,
    options: PureSplitterOptions = { maxRun: RUN_MAX },
  ) {
    this.#pure = new PureSplitter(onRun, options);
    this.#clock = clock;
    this.#watch = new ClockedWatch(clock, this.#pure);
  }

  /** Bytes held, waiting for a delimiter; always below `maxRun`. */
  get heldBytes(): number {
    return this.#pure.heldBytes;
  }

  push(bytes: Uint8Array): void {
    this.#pure.push(this.#clock.now(), bytes);
    this.#watch.watch();
  }

  close(): void {
    this.#watch.cancel();
    this.#pure.close();
  }
}

/** The {@link MakeSplitter} for transports that name none: without Node's streams, for virtual time and the browser. */
export const makePureSplitter: MakeSplitter = (onRun, { clock, ...options }) =>
  new PureRunSplitter(onRun, clock, options);
