/** Counters that a window reaches back from the highest one, itself among them (PROTOCOL.md 14.4). */
const REPLAY_WINDOW = 64;

/** Which frame counters have come (RFC 4303, 3.4.3): each is taken once, and none that is too old to know. */
export class ReplayWindow {
  /** At each place the counter last taken of those that share it. */
  readonly #seen: Float64Array = new Float64Array(REPLAY_WINDOW).fill(-1);
  #highest = -1;

  /** Whether a frame with this counter may be taken, if it proves authentic. */
  accepts(counter: number): boolean {
    return counter > this.#highest - REPLAY_WINDOW && this.#seen[counter % REPLAY_WINDOW] !== counter;
  }

  /** The frame was authentic: only now does it count. */
  take(counter: number): void {
    this.#seen[counter % REPLAY_WINDOW] = counter;
    this.#highest = Math.max(this.#highest, counter);
  }
}
