import { assert } from "../base/assert.ts";
import { SilenceWatch } from "../base/line-silence.ts";
import type { Millis } from "../base/units.ts";

export interface PureSplitterOptions {
  /** Most bytes in a run, delimiter included, at least 2: a run that reaches it is closed without a delimiter. */
  readonly maxRun: number;
  /** Silence after which a run is closed without a delimiter; 50 ms. */
  readonly silenceMs?: Millis;
}

/**
 * Cuts a stream of bytes into runs that end with the delimiter 0x00 (PROTOCOL.md 2.2), without timers and streams: for
 * the simulator, the browser, and wherever time is handed in. Gives the same runs as the stream splitter of the
 * transport layer.
 *
 * All runs joined are the input, byte for byte. A run without a delimiter was closed at `maxRun` bytes, by silence or by
 * `close`. Runs are views into the pushed bytes, or copies where they span several pushes; nobody writes into them.
 */
export class PureSplitter {
  readonly #onRun: (run: Uint8Array) => void;
  readonly #silence: SilenceWatch;
  readonly #held: Uint8Array;
  #heldBytes = 0;

  constructor(onRun: (run: Uint8Array) => void, options: PureSplitterOptions) {
    assert(options.maxRun >= 2, `maxRun ${options.maxRun}`);
    this.#onRun = onRun;
    this.#silence = new SilenceWatch(options.silenceMs);
    this.#held = new Uint8Array(options.maxRun);
  }

  /** Bytes held, waiting for a delimiter; always below `maxRun`. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes that were read at `now`; the runs they complete are delivered before it returns. Cuts nothing by time. */
  push(now: Millis, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#silence.heard(now);
    let at = 0;
    while (at < bytes.length) {
      // The shortest way for a line held low, which reads as endless zeros.
      if (this.#heldBytes === 0 && bytes[at] === 0) {
        this.#onRun(bytes.subarray(at, at + 1));
        at += 1;
        continue;
      }
      const reach = bytes.subarray(at, at + this.#held.length - this.#heldBytes);
      const zero = reach.indexOf(0);
      const piece = zero < 0 ? reach : reach.subarray(0, zero + 1);
      at += piece.length;
      const isWhole = zero >= 0 || piece.length === this.#held.length;
      if (this.#heldBytes === 0 && isWhole) this.#onRun(piece);
      else this.#hold(piece, zero >= 0);
    }
  }

  /**
   * Closes the held run if the line has been silent long enough; a call that is late asks for another one instead, since
   * bytes may wait to be read (SilenceWatch). Extra calls are harmless.
   */
  handleTimeout(now: Millis): void {
    if (this.#heldBytes > 0 && this.#silence.look(now) === "silent") this.#deliver();
  }

  /** When `handleTimeout` is due; changes with each push and each timeout handled. */
  pollTimeout(): Millis | undefined {
    return this.#heldBytes > 0 ? this.#silence.pollTimeout : undefined;
  }

  /** Delivers what is held as a last run. */
  close(): void {
    if (this.#heldBytes > 0) this.#deliver();
  }

  #hold(piece: Uint8Array, isEnd: boolean): void {
    this.#held.set(piece, this.#heldBytes);
    this.#heldBytes += piece.length;
    if (isEnd || this.#heldBytes === this.#held.length) this.#deliver();
  }

  #deliver(): void {
    const run = this.#held.slice(0, this.#heldBytes);
    this.#heldBytes = 0;
    this.#onRun(run);
  }
}
