import type { Millis } from "../base/units.ts";

const WINDOW_MIN = 8_192;
const WINDOW_MAX = 65_536;
/** A round trip that is so much longer than the shortest one shows a queue somewhere. */
const QUEUE_MS = 250;

/**
 * The window of a link without a rate of its own (PROTOCOL.md 4.8). A serial server may stand behind TCP: what it holds goes to
 * a board that is reset meanwhile, and cannot be taken back. So the window grows while acks come fast, and shrinks when they
 * show that bytes wait.
 */
export class RatelessWindow {
  #bytes = WINDOW_MIN;
  #shortest: Millis = Number.POSITIVE_INFINITY;

  /** Bytes that may be in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An ack came for packets of `bytes` of payload, the last of them after a round trip of `rtt`. */
  handleAck(rtt: Millis, bytes: number): void {
    this.#shortest = Math.min(this.#shortest, rtt);
    const isQueued = rtt - this.#shortest > QUEUE_MS;
    this.#bytes = isQueued
      ? Math.max(WINDOW_MIN, this.#bytes / 2)
      : Math.min(WINDOW_MAX, this.#bytes + bytes);
  }
}
