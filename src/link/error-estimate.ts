/** Line that the estimate remembers, in bytes. */
export const MEMORY_BYTES: number = 256 * 1024;
/** Expected errors before anything was seen, and bytes they were seen in: the payload begins at 256. */
export const PRIOR_ERRORS = 0.1;
export const PRIOR_BYTES = 700;
/** Frames whose fate may overrule the estimate. */
const RECENT = 32;
/** Recent losses beyond (or below) this many standard deviations of what was expected contradict the estimate. */
const CONTRADICTION = 3.5;
/** Expected losses in a row that did not come: beyond this the line got better (chance: e^-5, below 1 %). */
const LOSSES_MISSING_MAX = 5;

interface Fate {
  readonly bytes: number;
  readonly isLost: boolean;
}

/**
 * Errors per byte of one direction of a line, estimated from the fate of the frames sent there (PROTOCOL.md 4.7), with
 * exponential memory. A line that changed is noticed when the last frames contradict the estimate: it then starts again
 * from these.
 */
export class ErrorEstimate {
  #errors = PRIOR_ERRORS;
  #bytes = PRIOR_BYTES;
  readonly #recent: Fate[] = [];
  /** Losses that were expected since the last one. */
  #lossesMissing = 0;

  /** Errors per byte, above 0. */
  get rate(): number {
    return this.#errors / this.#bytes;
  }

  /** Takes in the fate of a frame of so many bytes on the line. {@link rate} changes. */
  settle(bytes: number, isLost: boolean): void {
    this.#remember({ bytes, isLost });
    const keep = Math.exp(-bytes / MEMORY_BYTES);
    this.#errors = this.#errors * keep + (isLost ? errorsWhenLost(this.rate * bytes) : 0);
    this.#bytes = this.#bytes * keep + bytes;
    this.#lossesMissing = isLost ? 0 : this.#lossesMissing + 1 - Math.exp(-this.rate * bytes);
    if (this.#isContradicted() || this.#lossesMissing > LOSSES_MISSING_MAX) this.#believeRecent();
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
      const p = 1 - Math.exp(-this.rate * bytes);
      expected += p;
      variance += p * (1 - p);
      if (isLost) lost++;
    }
    return Math.abs(lost - expected) > CONTRADICTION * Math.sqrt(variance + 0.5);
  }

  /** Starts again from the recent frames alone. */
  #believeRecent(): void {
    this.#bytes = this.#recent.reduce((sum, { bytes }) => sum + bytes, 0);
    const lost = this.#recent.filter(({ isLost }) => isLost);
    this.#errors = PRIOR_ERRORS + lost.length;
    // Two rounds of expectation maximisation: a large frame that is lost has met more than one error.
    for (let round = 0; round < 2; round++) {
      const rate = this.rate;
      this.#errors = lost.reduce((sum, { bytes }) => sum + errorsWhenLost(rate * bytes), PRIOR_ERRORS);
    }
    this.#recent.length = 0;
    this.#lossesMissing = 0;
  }
}

/** Errors that a lost frame has met on average, where `mean` are expected: one or more. */
export function errorsWhenLost(mean: number): number {
  return mean < 1e-6 ? 1 : mean / (1 - Math.exp(-mean));
}
