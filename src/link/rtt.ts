import type { Millis } from "../base/units.ts";

/** Estimates before the first sample: enough for 16 ms in a USB adapter each way, and a late event loop. */
const INITIAL_RTO_MS = 100;
const INITIAL_SRTT_MS = 30;

/**
 * Round-trip estimate by RFC 6298, from samples without the known line time (PROTOCOL.md 4.4). Packet numbers are never
 * reused, so that every sample counts.
 */
export class RttEstimator {
  #smoothed: Millis | undefined;
  #variation: Millis = 0;
  readonly #floor: Millis;

  /** `floor`: least time between the smoothed round trip and the timeout: 10 ms on native UARTs, 25 ms behind USB. */
  constructor(floor: Millis) {
    this.#floor = floor;
  }

  get smoothed(): Millis {
    return this.#smoothed ?? INITIAL_SRTT_MS;
  }

  /** SRTT + max(floor, 4 RTTVAR). */
  get timeout(): Millis {
    if (this.#smoothed === undefined) return INITIAL_RTO_MS;
    return this.#smoothed + Math.max(this.#floor, 4 * this.#variation);
  }

  sample(rtt: Millis): void {
    const r = Math.max(0, rtt);
    if (this.#smoothed === undefined) {
      this.#smoothed = r;
      this.#variation = r / 2;
      return;
    }
    this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - r);
    this.#smoothed = 0.875 * this.#smoothed + 0.125 * r;
  }
}
