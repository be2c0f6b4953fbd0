import { DelimiterParser } from "@serialport/parser-delimiter";
import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { SilenceWatch } from "../base/line-silence.ts";
import type { MakeSplitter, RunSplitter, SplitterOptions } from "./transport.ts";
import { asUint8Array } from "./transport.ts";

const DELIMITER = Uint8Array.of(0);

/**
 * A {@link RunSplitter} on `@serialport/parser-delimiter` behind a bounding guard. The parser alone holds all bytes since
 * the last delimiter and joins them again for each chunk, so that noise at a wrong rate would take memory without limit
 * and a core of CPU; the guard hands it a delimiter of its own in time, and takes that off the run again.
 *
 * All runs joined are the input, byte for byte. A delimiter directly after another is a run of its own and does not
 * pass through the parser: a line held low reads as endless zeros, and those must cost next to nothing.
 */
export class StreamSplitter implements RunSplitter {
  readonly #onRun: (run: Uint8Array) => void;
  readonly #maxRun: number;
  readonly #silence: SilenceWatch;
  readonly #clock: Clock;
  // Object mode keeps runs apart: in byte mode one read joins all runs that wait.
  readonly #parser: DelimiterParser = new DelimiterParser({
    delimiter: [0],
    includeDelimiter: true,
    readableObjectMode: true,
  });
  #held = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(onRun: (run: Uint8Array) => void, options: SplitterOptions) {
    assert(options.maxRun >= 2, `maxRun ${options.maxRun}`);
    this.#onRun = onRun;
    this.#maxRun = options.maxRun;
    this.#silence = new SilenceWatch(options.silenceMs);
    this.#clock = options.clock;
  }

  /** Bytes held, waiting for a delimiter; always below `maxRun`. */
  get heldBytes(): number {
    return this.#held;
  }

  push(bytes: Uint8Array): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#silence.heard(this.#clock.now());
    const input = asUint8Array(bytes);
    let at = 0;
    while (at < input.length) {
      if (this.#held === 0 && input[at] === 0) {
        this.#onRun(input.subarray(at, at + 1));
        at += 1;
        continue;
      }
      const reach = input.subarray(at, at + this.#maxRun - this.#held);
      const zero = reach.indexOf(0);
      this.#feed(zero < 0 ? reach : reach.subarray(0, zero + 1), zero >= 0);
      at += zero < 0 ? reach.length : zero + 1;
    }
    if (this.#held > 0) this.#watch();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#held > 0) this.#cut();
    this.#parser.destroy();
  }

  #feed(piece: Uint8Array, isEnd: boolean): void {
    this.#parser.write(piece);
    this.#held += piece.length;
    if (isEnd) {
      this.#held = 0;
      this.#onRun(this.#take());
    } else if (this.#held === this.#maxRun) {
      this.#cut();
    }
  }

  /** Closes the held run by a delimiter that was not on the wire. */
  #cut(): void {
    this.#parser.write(DELIMITER);
    this.#held = 0;
    const run = this.#take();
    this.#onRun(run.subarray(0, run.length - 1));
  }

  /** The run that the delimiter just written has completed: without backpressure a Transform is synchronous. */
  #take(): Uint8Array {
    const run: unknown = this.#parser.read();
    assert(run instanceof Uint8Array, "the delimiter parser gave no run for a delimiter");
    return asUint8Array(run);
  }

  /** One timer at most: when bytes came after it was set, it is set again as it fires. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(this.#silence.pollTimeout - this.#clock.now(), () => {
      this.#timer = undefined;
      if (this.#held === 0) return;
      if (this.#silence.look(this.#clock.now()) === "silent") this.#cut();
      else this.#watch();
    });
  }
}

/** The {@link MakeSplitter} of serial ports and TCP. */
export const makeStreamSplitter: MakeSplitter = (onRun, options) => new StreamSplitter(onRun, options);
