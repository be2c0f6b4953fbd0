import type { Millis } from "../base/units.ts";

/** An ack that comes so much later than the fastest one came out of a queue that a slower line has filled. */
const LATE_MS: Millis = 60;
/** Bytes of the line that are measured. */
const MEASURED_BYTES_MIN = 4_096;

/**
 * Measures a line that is slower than the rate it is set to: a port whose driver takes any rate, a pseudo terminal. What is
 * handed over too fast stands in a queue then, so that acks come late, and while it stands the line is never idle.
 */
export class LineSpeed {
  #fastest: Millis = Number.POSITIVE_INFINITY;
  #since: Millis | undefined;
  #bytes = 0;
  #bytesPerMs: number | undefined;

  /** Bytes per millisecond that the line has carried while a queue stood; undefined when none did. */
  get bytesPerMs(): number | undefined {
    return this.#bytesPerMs;
  }

  /** An ack came so long after the last byte that it settles should have left; it settles so many bytes of the line. */
  note(now: Millis, rtt: Millis, bytes: number): void {
    this.#fastest = Math.min(this.#fastest, rtt);
    if (rtt <= this.#fastest + LATE_MS) this.reset();
    else if (this.#since === undefined) this.#since = now;
    else {
      this.#bytes += bytes;
      if (this.#bytes >= MEASURED_BYTES_MIN) this.#bytesPerMs = this.#bytes / (now - this.#since);
    }
  }

  /** The rate of the line has changed. */
  reset(): void {
    this.#since = undefined;
    this.#bytes = 0;
    this.#bytesPerMs = undefined;
  }
}
