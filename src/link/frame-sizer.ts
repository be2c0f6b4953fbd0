import { CHUNK_UNIT, PAYLOAD_MAX, PAYLOAD_MIN } from "../wire/constants.ts";

/** Bytes that a frame costs beyond its payload, back to back and in one piece of COBS (PROTOCOL.md 4.5). */
const OVERHEAD = 10;
/** Line that the estimate remembers, in bytes. */
const MEMORY_BYTES = 256 * 1024;
/** Expected errors before anything was seen, and bytes they were seen in: the payload begins at 256. */
const PRIOR_ERRORS = 0.1;
const PRIOR_BYTES = 700;
/** Frames whose fate may overrule the estimate. */
const RECENT = 32;
/** Once in so many frames a larger one is tried. */
const TRIAL_EVERY = 32;
/** Recent losses beyond (or below) this many standard deviations of what was expected contradict the estimate. */
const CONTRADICTION = 3.5;
/** So many expected losses in a row did not come: the line got better (chance: e^-5, less than one in a hundred). */
const LOSSES_MISSING_MAX = 5;

interface Fate {
  readonly bytes: number;
  readonly isLost: boolean;
}

/**
 * Chooses the payload of the next frame (PROTOCOL.md 4.7): estimates errors per byte from the fate of frames,
 * with exponential memory, and takes the payload that promises the most payload per byte of line. A line that
 * changed is noticed by the last frames contradicting the estimate, and one larger frame in 32 is sent as a trial.
 */
export class FrameSizer {
  readonly #max: number;
  readonly #overhead: number;
  #errors = PRIOR_ERRORS;
  #bytes = PRIOR_BYTES;
  readonly #recent: Fate[] = [];
  #payload = 0;
  /** Losses that were to be expected since the last one. */
  #lossesMissing = 0;
  #untilTrial = TRIAL_EVERY;

  /** `payloadMax`: largest payload the peer takes; `sealBytes`: what a link key adds to each frame. In bytes. */
  constructor(payloadMax: number, sealBytes = 0) {
    this.#overhead = OVERHEAD + sealBytes;
    const whole = Math.floor(payloadMax / CHUNK_UNIT) * CHUNK_UNIT;
    this.#max = Math.max(PAYLOAD_MIN, Math.min(PAYLOAD_MAX, whole));
    this.#choose();
  }

  /** Largest payload to send now, in bytes, a multiple of 32. */
  get payload(): number {
    return this.#payload;
  }

  /** Bytes to take from a stretch of `available`: equal parts, whole units, so that no frame is a mere remainder. */
  cut(available: number): number {
    this.#untilTrial--;
    const payload = this.#untilTrial <= 0 ? Math.min(this.#max, 2 * this.#payload) : this.#payload;
    if (this.#untilTrial <= 0) this.#untilTrial = TRIAL_EVERY;
    const frames = Math.ceil(available / payload);
    return Math.min(available, Math.ceil(available / frames / CHUNK_UNIT) * CHUNK_UNIT);
  }

  /** A frame of so many bytes on the wire arrived, or was lost. */
  settle(bytes: number, isLost: boolean): void {
    this.#remember({ bytes, isLost });
    const keep = Math.exp(-bytes / MEMORY_BYTES);
    this.#errors = this.#errors * keep + (isLost ? expectedErrors(this.#rate, bytes) : 0);
    this.#bytes = this.#bytes * keep + bytes;
    this.#lossesMissing = isLost ? 0 : this.#lossesMissing + 1 - Math.exp(-this.#rate * bytes);
    if (this.#isContradicted() || this.#lossesMissing > LOSSES_MISSING_MAX) this.#restart();
    this.#choose();
  }

  /** Errors per byte. */
  get #rate(): number {
    return this.#errors / this.#bytes;
  }

  #remember(fate: Fate): void {
    this.#recent.push(fate);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }

  #isContradicted(): boolean {
    if (this.#recent.length < RECENT) return false;
    let expected = 0;
    let variance = 0;
    let lost = 0;
    for (const { bytes, isLost } of this.#recent) {
      const p = 1 - Math.exp(-this.#rate * bytes);
      expected += p;
      variance += p * (1 - p);
      if (isLost) lost++;
    }
    return Math.abs(lost - expected) > CONTRADICTION * Math.sqrt(variance + 0.5);
  }

  /** Believes the recent frames alone. */
  #restart(): void {
    this.#bytes = this.#recent.reduce((sum, { bytes }) => sum + bytes, 0);
    const lost = this.#recent.filter(({ isLost }) => isLost);
    this.#errors = PRIOR_ERRORS + lost.length;
    // Two rounds of expectation maximisation: a large frame that is lost has met more than one error.
    for (let round = 0; round < 2; round++) {
      const rate = this.#rate;
      this.#errors = lost.reduce((sum, { bytes }) => sum + expectedErrors(rate, bytes), PRIOR_ERRORS);
    }
    this.#recent.length = 0;
    this.#lossesMissing = 0;
  }

  #choose(): void {
    const overhead = this.#overhead;
    const best = (Math.sqrt(overhead * overhead + (4 * overhead) / this.#rate) - overhead) / 2;
    const units = Math.round(Math.min(this.#max, Math.max(PAYLOAD_MIN, best)) / CHUNK_UNIT);
    this.#payload = Math.max(1, Math.min(units, Math.floor(this.#max / CHUNK_UNIT))) * CHUNK_UNIT;
  }
}

/** Errors that a lost frame has met on average, at `rate` errors per byte: one or more. */
function expectedErrors(rate: number, bytes: number): number {
  const mean = rate * bytes;
  return mean < 1e-6 ? 1 : mean / (1 - Math.exp(-mean));
}
