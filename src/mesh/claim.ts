import { compareBytes, equalBytes } from "../base/bytes.ts";
import { type Random, randomFraction } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Neighbour } from "./neighbours.ts";

/** A claim stands for this long before its board overwrites its only image. */
const CLAIM_MS: Millis = 4_000;
/**
 * Meanwhile it is said this often. Of two boards one hears the other in time although three in a row are lost, as twice the
 * time that takes is shorter than the claim.
 */
const CLAIM_SAID_MS: Millis = 500;
/** After that it is said this often, for as long as it stands. */
const CLAIM_HELD_SAID_MS: Millis = 10_000;
/** What a neighbour said of itself counts for this long: four calls of a board that is served over another link, every 30 s. */
const CLAIM_HEARD_MS: Millis = 130_000;
/** A board that let another one go first tries again after this time, and up to as much more. */
const CLAIM_AGAIN_MS: Millis = 5_000;
/** The time doubles with each claim that was given up, up to this many times. */
const CLAIM_DOUBLINGS_MAX = 4;

/**
 * Keeps two neighbours with a single slot from overwriting their images at the same time, so that one that fails has one
 * beside it that boots (PROTOCOL.md 6.7). A board claims its turn on all links, waits, and goes ahead if no neighbour that is
 * in the way was heard: one that does not boot; one that claims already, or asks; of two that claim at once the one with
 * the lower id; and of those that are asked every one that claims.
 */
export class Claim {
  readonly #random: Random;
  readonly #nodeId: Uint8Array;
  #claimedAt: Millis | undefined;
  #sayAt: Millis = 0;
  #againAt: Millis = Number.NEGATIVE_INFINITY;
  /** Claims that were given up since the board went ahead. */
  #givenUp = 0;

  constructor(random: Random, nodeId: Uint8Array) {
    this.#random = random;
    this.#nodeId = nodeId;
  }

  get isOn(): boolean {
    return this.#claimedAt !== undefined;
  }

  /** Takes a step; whether the board may go ahead, or go on. `asked`: the id of the neighbour that is to be asked. */
  step(now: Millis, neighbours: readonly Neighbour[], asked: Uint8Array): boolean {
    if (now < this.#againAt) return false;
    if (neighbours.some((neighbour) => this.#isInTheWay(now, neighbour, asked))) {
      if (this.isOn) this.#givenUp = Math.min(CLAIM_DOUBLINGS_MAX, this.#givenUp + 1);
      this.#claimedAt = undefined;
      const waitMs = CLAIM_AGAIN_MS * 2 ** Math.max(0, this.#givenUp - 1);
      this.#againAt = now + waitMs * (1 + randomFraction(this.#random));
      return false;
    }
    if (this.#claimedAt === undefined) {
      this.#claimedAt = now;
      this.#sayAt = now + CLAIM_SAID_MS;
    }
    if (now - this.#claimedAt < CLAIM_MS) return false;
    this.#givenUp = 0;
    return true;
  }

  /** Whether the claim has to be said again now. */
  takeSaying(now: Millis): boolean {
    if (this.#claimedAt === undefined || now < this.#sayAt) return false;
    this.#sayAt = now + (now - this.#claimedAt < CLAIM_MS ? CLAIM_SAID_MS : CLAIM_HELD_SAID_MS);
    return true;
  }

  /** The board has gone ahead, or wants nothing any more. */
  clear(): void {
    this.#claimedAt = undefined;
  }

  /** When {@link takeSaying} has something to do. */
  get sayAt(): Millis | undefined {
    return this.#claimedAt === undefined ? undefined : this.#sayAt;
  }

  /** When {@link step} may say something else; undefined when only what is heard changes that. */
  nextAt(now: Millis): Millis | undefined {
    const at = this.#claimedAt === undefined ? this.#againAt : this.#claimedAt + CLAIM_MS;
    return at > now ? at : undefined;
  }

  #isInTheWay(now: Millis, neighbour: Neighbour, asked: Uint8Array): boolean {
    const { heardAt, isBootable, isProvider, nodeId, wantsUpdate } = neighbour;
    if (isProvider || now - heardAt > CLAIM_HEARD_MS) return false;
    if (!isBootable) return true;
    const isFirst =
      this.#claimedAt === undefined || equalBytes(nodeId, asked) || compareBytes(nodeId, this.#nodeId) < 0;
    return wantsUpdate && isFirst;
  }
}
