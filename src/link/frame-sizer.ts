import { CRC_LENGTH, DATA_HEADER_LENGTH } from "../wire/constants.ts";
import type { ErrorEstimate } from "./error-estimate.ts";
import type { LineQuality } from "./line-quality.ts";
import { bestPayload, cobsGoodput, equalPart, largestPayload, wholePayload } from "./payload-sizes.ts";

/** Once in so many frames a larger one is tried. */
const TRIAL_EVERY = 32;

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
  /** The peer takes so many bytes in a frame. {@link payload} changes. */
  setPayloadMax(payloadMax: number): void;
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

/**
 * Chooses the payload of the next frame (PROTOCOL.md 4.7): the one that promises the most payload per byte of line at
 * the estimated rate of errors. One frame in 32 is twice as large, so that a line that got better is noticed.
 */
export class FrameSizer implements Sizer {
  #estimate: ErrorEstimate;
  #max: number;
  #payloadMax: number;
  #bytesPerMs: number | undefined;
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
    this.#bytesPerMs = bytesPerMs;
    this.#max = largestPayload(payloadMax, this.#overhead, bytesPerMs);
    this.#choose();
  }

  setLine({ errors }: LineQuality, bytesPerMs: number | undefined): void {
    this.#estimate = errors;
    this.#bytesPerMs = bytesPerMs;
    this.#max = largestPayload(this.#payloadMax, this.#overhead, bytesPerMs);
    this.#choose();
  }

  setPayloadMax(payloadMax: number): void {
    this.#payloadMax = payloadMax;
    this.#max = largestPayload(payloadMax, this.#overhead, this.#bytesPerMs);
    this.#choose();
  }

  get goodput(): number {
    return cobsGoodput(this.#payload, this.#overhead, this.#estimate.rate);
  }

  /** Largest payload to send now, in bytes, a multiple of 32. May change after: {@link settle}. */
  get payload(): number {
    return this.#payload;
  }

  cut(available: number): number {
    if (this.#fixed === undefined) this.#untilTrial--;
    const payload = this.#untilTrial <= 0 ? Math.min(this.#max, 2 * this.#payload) : this.#payload;
    if (this.#untilTrial <= 0) this.#untilTrial = TRIAL_EVERY;
    return equalPart(available, payload);
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
    this.#payload =
      this.#fixed === undefined
        ? bestPayload(this.#overhead, this.#estimate.rate, this.#max)
        : wholePayload(this.#fixed, this.#max);
  }
}
