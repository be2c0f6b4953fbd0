import { type Random, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { World } from "./world.ts";

/** A board that was reset is back after this time. */
const RESET_MS: Millis = 1_000;

/**
 * An image that boots, is in order at first, and fails some time later: the board is reset then. The time to a failure is
 * drawn at each start; times are exponential with this mean, so that what ran for long fails no less than what just began.
 */
export class BadImage {
  readonly #world: World;
  readonly #random: Random;
  readonly #meanMs: Millis;
  /** Boards that started it at least once. */
  readonly ran: Set<number> = new Set();
  /** Boards whose last start was one of it. */
  readonly running: Set<number> = new Set();
  /** Starts of a board so far: what an earlier one would have failed by is over. */
  readonly #starts: Map<number, number> = new Map();
  failures = 0;

  constructor(world: World, random: Random, meanMs: Millis) {
    this.#world = world;
    this.#random = random;
    this.#meanMs = meanMs;
  }

  /** A board started an image. */
  noteBooted(board: number, isBad: boolean): void {
    const start = (this.#starts.get(board) ?? 0) + 1;
    this.#starts.set(board, start);
    if (!isBad) {
      this.running.delete(board);
      return;
    }
    this.ran.add(board);
    this.running.add(board);
    const afterMs = -this.#meanMs * Math.log(1 - randomFraction(this.#random));
    this.#world.clock.after(afterMs, () => {
      if (this.#starts.get(board) === start) this.#fail(board);
    });
  }

  #fail(board: number): void {
    this.failures++;
    this.#starts.set(board, (this.#starts.get(board) ?? 0) + 1);
    this.#world.powerOff(board);
    this.#world.clock.after(RESET_MS, () => this.#world.boards[board]?.powerOn());
  }
}
