import { lineTime, type Millis, UART_BITS_PER_BYTE } from "../base/units.ts";

/** Bytes handed to the tty and not yet due on the wire: a 4 KiB queue never fills (PROTOCOL.md 4.8). */
const AHEAD_BYTES_MAX = 2600;
/** And no more than this much line time, so that a resend is not stuck behind a deep queue on slow lines. */
export const AHEAD_MS_MAX: Millis = 40;

/** Computes when the last byte handed over leaves the wire, and from that when the next frame may be handed over. */
export class Pacer {
  #lineFreeAt: Millis = 0;
  #baud: number | undefined;
  readonly #bitsPerByte: number;

  /**
   * `baud`: line rate in bits per second; undefined for links without a rate of their own (TCP): never holds back.
   * `bitsPerByte`: bits on the line for each byte.
   */
  constructor(baud: number | undefined, bitsPerByte: number = UART_BITS_PER_BYTE) {
    this.#baud = baud;
    this.#bitsPerByte = bitsPerByte;
  }

  /** The line rate changes now. What was handed over before is counted at the old rate. */
  setBaud(baud: number | undefined): void {
    this.#baud = baud;
  }

  /** Line rate in bytes per millisecond, if the link has one. */
  get bytesPerMs(): number | undefined {
    return this.#baud === undefined ? undefined : 1 / lineTime(1, this.#baud, this.#bitsPerByte);
  }

  /** Milliseconds that `bytes` take on the line, 0 if it has no rate of its own. */
  lineTime(bytes: number): Millis {
    const rate = this.bytesPerMs;
    return rate === undefined ? 0 : bytes / rate;
  }

  /** When the last byte handed over leaves the wire. */
  get lineFreeAt(): Millis {
    return this.#lineFreeAt;
  }

  /** When the next frame may be handed over; in the past when it may now. May change after: handOver, setBaud. */
  get readyAt(): Millis {
    if (this.#baud === undefined) return Number.NEGATIVE_INFINITY;
    const aheadMs = lineTime(AHEAD_BYTES_MAX, this.#baud, this.#bitsPerByte);
    return this.#lineFreeAt - Math.min(AHEAD_MS_MAX, aheadMs);
  }

  /** Whether the last frame handed over is still on the wire, so that the next follows it without a gap. */
  isBusy(now: Millis): boolean {
    return this.#baud !== undefined && this.#lineFreeAt > now;
  }

  isReady(now: Millis): boolean {
    return this.readyAt <= now;
  }

  /** Accounts for bytes handed over; returns when the last of them leaves the wire. */
  handOver(now: Millis, bytes: number): Millis {
    if (this.#baud === undefined) return now;
    this.#lineFreeAt = Math.max(now, this.#lineFreeAt) + lineTime(bytes, this.#baud, this.#bitsPerByte);
    return this.#lineFreeAt;
  }
}
