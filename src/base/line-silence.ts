import { lineTime, type Millis, UART_BITS_PER_BYTE } from "./units.ts";

/** Silence that closes an unfinished run at 9600 baud and above (PROTOCOL.md 2.2). */
export const SILENCE_MS: Millis = 50;
/** The same in bytes for slower lines: a UART's FIFO hands over up to 16 bytes at a time, and a few go missing. */
const SILENCE_BYTES = 48;
/** From the first look at a silent line to the second, the one that counts. */
const LOOK_AGAIN_MS: Millis = 10;
/** A look that comes later than this does not count: the process was held up. */
const LATE_MS: Millis = 5;
/** Times are sums of fractions: differences below this are none. */
const ROUNDING_MS: Millis = 1e-6;

/** Silence that closes an unfinished run on a line of `baud` bits per second; undefined: the line has no rate. */
export function silenceAt(baud: number | undefined, bitsPerByte: number = UART_BITS_PER_BYTE): Millis {
  return baud === undefined ? SILENCE_MS : Math.max(SILENCE_MS, lineTime(SILENCE_BYTES, baud, bitsPerByte));
}

/**
 * Tells a silent line from a process that was held up. Bytes that came during a stall of the event loop still wait in
 * the kernel when the timer fires, so a late timer proves nothing. The line is looked at twice, 10 ms apart: bytes that
 * wait are read in between. A look that is late is repeated 10 ms later.
 *
 * Sans-IO: the owner sets a timer for {@link pollTimeout}, whose value changes with each {@link heard} and {@link look}.
 */
export class SilenceWatch {
  readonly #silenceMs: Millis;
  #heardAt: Millis = 0;
  #lookAt: Millis = 0;
  /** The next look is the one that counts. */
  #isLast = false;

  constructor(silenceMs: Millis = SILENCE_MS) {
    this.#silenceMs = silenceMs;
  }

  /** Bytes arrived. */
  heard(now: Millis): void {
    this.#heardAt = now;
    this.#isLast = this.#silenceMs <= LOOK_AGAIN_MS;
    this.#lookAt = now + this.#silenceMs - (this.#isLast ? 0 : LOOK_AGAIN_MS);
  }

  /** When to look. */
  get pollTimeout(): Millis {
    return this.#lookAt;
  }

  /** Looks at the line. Looking too early is harmless. */
  look(now: Millis): "silent" | "undecided" {
    // A timer set for this time must find it reached, whatever floating point makes of the sum.
    if (now < this.#lookAt - ROUNDING_MS) return "undecided";
    if (this.#isLast && now - this.#lookAt <= LATE_MS) return "silent";
    this.#isLast = true;
    this.#lookAt = Math.max(this.#heardAt + this.#silenceMs, now + LOOK_AGAIN_MS);
    return "undecided";
  }
}
