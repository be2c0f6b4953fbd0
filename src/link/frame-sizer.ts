import type { Millis } from "../base/units.ts";
import {
  CHUNK_UNIT,
  CRC_LENGTH,
  DATA_HEADER_LENGTH,
  OBJECT_HEADER_LENGTH,
  PAYLOAD_MAX,
  PAYLOAD_MIN,
} from "../wire/constants.ts";
import type { ErrorEstimate } from "./error-estimate.ts";
import type { LineQuality } from "./line-quality.ts";

/** Once in so many frames a larger one is tried. */
const TRIAL_EVERY = 32;
/** Longest line time of a frame: several frames fit into the shortest silence that ends a session (PROTOCOL.md 4.7). */
export const FRAME_TIME_MAX_MS: Millis = 2_000;

/** Chooses what goes into the next frame, by what became of those before it. */
export interface Sizer {
  /** Largest payload to send now, in bytes, a multiple of 32. May change after: {@link settle}, {@link noteMended}. */
  readonly payload: number;
  /** Bytes to take from a stretch of `available`: equal parts, whole units, so that no frame is a mere remainder. */
  cut(available: number): number;
  /** Form of the frame that was cut last: wrong bytes that each of its codewords may have; 0: COBS (PROTOCOL.md 2.5). */
  readonly mendable: number;
  /** A frame of so many bytes on the line, in this form, arrived, or was lost. */
  settle(bytes: number, isLost: boolean, mendable: number): void;
  /** The line has another rate from now on, in bytes per millisecond, and a quality of its own there. {@link payload} changes. */
  setLine(quality: LineQuality, bytesPerMs: number | undefined): void;
  /** Payload that arrives, by what is known of the line, as a share of the bytes on it: 0 to 1. */
  readonly goodput: number;
  /** Of frames in the second form that arrived, `bytes` on the line in all, so many bytes were wrong. */
  noteMended(bytes: number, wrongBytes: number): void;
}

export interface FrameSizerOptions {
  /** Largest payload that the peer takes, in bytes. */
  readonly payloadMax: number;
  /** Bytes that a frame costs on the line beyond header, payload and CRC: line code and seal. */
  readonly overhead: number;
  /** Line rate in bytes per millisecond; undefined on links without a rate. */
  readonly bytesPerMs: number | undefined;
  /** One size for all frames, in bytes, instead of the best one. */
  readonly payload?: number | undefined;
}

/** Bytes that an object frame has more than a data frame. */
export const OBJECT_EXTRA: number = OBJECT_HEADER_LENGTH - DATA_HEADER_LENGTH;

/**
 * Chooses the payload of the next frame (PROTOCOL.md 4.7): the one that promises the most payload per byte of line at
 * the estimated rate of errors. One frame in 32 is twice as large, so that a line that got better is noticed.
 */
export class FrameSizer implements Sizer {
  #estimate: ErrorEstimate;
  #max: number;
  readonly #payloadMax: number;
  readonly #fixed: number | undefined;
  /** Bytes of a data frame on the line beyond its payload. */
  readonly #overhead: number;
  #payload = 0;
  #untilTrial = TRIAL_EVERY;

  constructor(estimate: ErrorEstimate, options: FrameSizerOptions) {
    const { payloadMax, overhead, bytesPerMs, payload } = options;
    this.#estimate = estimate;
    this.#fixed = payload;
    this.#payloadMax = payloadMax;
    this.#overhead = DATA_HEADER_LENGTH + CRC_LENGTH + overhead;
    this.#max = this.#maxAt(bytesPerMs);
    this.#choose();
  }

  #maxAt(bytesPerMs: number | undefined): number {
    const inTime =
      (bytesPerMs ?? Number.POSITIVE_INFINITY) * FRAME_TIME_MAX_MS - this.#overhead - OBJECT_EXTRA;
    const whole = Math.floor(Math.min(this.#payloadMax, PAYLOAD_MAX, inTime) / CHUNK_UNIT) * CHUNK_UNIT;
    return Math.max(PAYLOAD_MIN, whole);
  }

  setLine({ errors }: LineQuality, bytesPerMs: number | undefined): void {
    this.#estimate = errors;
    this.#max = this.#maxAt(bytesPerMs);
    this.#choose();
  }

  get goodput(): number {
    const bytes = this.#payload + this.#overhead;
    return (this.#payload / bytes) * Math.exp(-this.#estimate.rate * bytes);
  }

  /** Largest payload to send now, in bytes, a multiple of 32. May change after: {@link settle}. */
  get payload(): number {
    return this.#payload;
  }

  /** Bytes to take from a stretch of `available`: equal parts, whole units, so that no frame is a mere remainder. */
  cut(available: number): number {
    if (this.#fixed === undefined) this.#untilTrial--;
    const payload = this.#untilTrial <= 0 ? Math.min(this.#max, 2 * this.#payload) : this.#payload;
    if (this.#untilTrial <= 0) this.#untilTrial = TRIAL_EVERY;
    const frames = Math.ceil(available / payload);
    return Math.min(available, Math.ceil(available / frames / CHUNK_UNIT) * CHUNK_UNIT);
  }

  /** All frames are in COBS. */
  get mendable(): number {
    return 0;
  }

  /** A frame of so many bytes on the line arrived, or was lost. */
  settle(bytes: number, isLost: boolean): void {
    this.#estimate.settle(bytes, isLost);
    this.#choose();
  }

  /** Nothing was sent in the second form. */
  noteMended(): void {}

  #choose(): void {
    const overhead = this.#overhead;
    const best =
      this.#fixed ?? (Math.sqrt(overhead * overhead + (4 * overhead) / this.#estimate.rate) - overhead) / 2;
    const units = Math.round(Math.min(this.#max, Math.max(PAYLOAD_MIN, best)) / CHUNK_UNIT);
    this.#payload = Math.max(1, Math.min(units, Math.floor(this.#max / CHUNK_UNIT))) * CHUNK_UNIT;
  }
}
