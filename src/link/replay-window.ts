/** Counters in the window, the highest one among them (PROTOCOL.md 14.4). */
const REPLAY_WINDOW = 64;

/** Frame counters that were received (RFC 4303, 3.4.3). Each is taken once; one below the window is not taken. */
export class ReplayWindow {
  /** Index: counter modulo window. Value: the last such counter that was taken. */
  readonly #seen: Float64Array = new Float64Array(REPLAY_WINDOW).fill(-1);
  #highest = -1;

  /** Whether a frame with this counter may be taken, provided that it is authentic. */
  accepts(counter: number): boolean {
    return counter > this.#highest - REPLAY_WINDOW && this.#seen[counter % REPLAY_WINDOW] !== counter;
  }

  /** Records the counter of an authentic frame. */
  take(counter: number): void {
    this.#seen[counter % REPLAY_WINDOW] = counter;
    this.#highest = Math.max(this.#highest, counter);
  }
}
