import type { Millis } from "../base/units.ts";

/** Estimate before the first sample: a USB adapter's 16 ms each way and a late event loop fit in. */
const INITIAL_RTO_MS = 100;
const INITIAL_SRTT_MS = 30;

/**
 * Round-trip estimate after RFC 6298, over samples less the known line time (PROTOCOL.md 4.4). Packet numbers
 * are never reused, so every sample counts.
 */
export class RttEstimator {
  #smoothed: Millis | undefined;
  #variation: Millis = 0;
  readonly #floor: Millis;

  /** `floor`: smallest timeout, about 10 ms on native UARTs and 25 ms behind a USB adapter. */
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
