import { CHUNK_UNIT } from "../wire/constants.ts";

/** Payload of a data or object frame in octets while the size is fixed. */
const FIXED_PAYLOAD = 1024;

/** Chooses the payload of the next frame (protocol decision L7). Fixed for now; bounded by what the peer takes. */
export class FrameSizer {
  readonly #payload: number;

  /** `payloadMax`: largest payload the peer takes, in octets. */
  constructor(payloadMax: number) {
    this.#payload = Math.max(CHUNK_UNIT, Math.min(FIXED_PAYLOAD, payloadMax));
  }

  /** Largest payload to send now. */
  get payload(): number {
    return this.#payload;
  }

  /** Octets to take from a stretch of `available`: equal parts, whole units, so that no frame is a mere remainder. */
  cut(available: number): number {
    const frames = Math.ceil(available / this.#payload);
    const even = Math.ceil(available / frames / CHUNK_UNIT) * CHUNK_UNIT;
    return Math.min(available, even, Math.floor(this.#payload / CHUNK_UNIT) * CHUNK_UNIT);
  }
}
