import { compareBytes } from "../base/bytes.ts";
import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Neighbour } from "./neighbours.ts";

/** A claim stands for this long before its board overwrites its only image. */
const CLAIM_MS: Millis = 2_000;
/** What a neighbour said of itself counts for this long: a board that is served calls on its other links every 30 s. */
const HEARD_FOR_MS: Millis = 40_000;
/** A board that let another one go first tries again after this time, and up to as much more. */
const AGAIN_MS: Millis = 5_000;

/**
 * Keeps two neighbours with a single slot from overwriting their images at the same time, so that one that fails has one
 * beside it that boots (PROTOCOL.md 6.7). A board claims its turn on all links, waits, and goes ahead if no neighbour that is
 * in the way was heard: one that does not boot, is being served, or claims under a lower id.
 */
export class Claim {
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  #claimedAt: Millis | undefined;
  #againAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(random: Random, nodeId: Uint8Array) {
    this.#random = random;
    this.#nodeId = nodeId;
  }

  get isOn(): boolean {
    return this.#claimedAt !== undefined;
  }

  /** Takes a step; whether the board may go ahead. `neighbours`: all but the one that is asked. */
  step(now: Millis, neighbours: readonly Neighbour[]): boolean {
    if (now < this.#againAt) return false;
    if (neighbours.some((neighbour) => this.#isInTheWay(now, neighbour))) {
      this.#claimedAt = undefined;
      this.#againAt = now + AGAIN_MS * (1 + randomFraction(this.#random));
      return false;
    }
    this.#claimedAt ??= now;
    return now - this.#claimedAt >= CLAIM_MS;
  }

  /** The board has gone ahead, or wants nothing any more. */
  clear(): void {
    this.#claimedAt = undefined;
  }

  /** When {@link step} may say something else; undefined when only what is heard changes that. */
  nextAt(now: Millis): Millis | undefined {
    const at = this.#claimedAt === undefined ? this.#againAt : this.#claimedAt + CLAIM_MS;
    return at > now ? at : undefined;
  }

  #isInTheWay(now: Millis, neighbour: Neighbour): boolean {
    if (neighbour.isProvider || now - neighbour.heardAt > HEARD_FOR_MS) return false;
    if (!neighbour.isBootable) return true;
    return neighbour.wantsUpdate && compareBytes(neighbour.nodeId, this.#nodeId) < 0;
  }
}
