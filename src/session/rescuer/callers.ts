import type { Random } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { PeerSelection } from "../peer-selection.ts";
import { RefusedImages } from "./refused-images.ts";
import type { RescuerLoss } from "./rescuer-events.ts";
import type { Call } from "./rescuer-state.ts";
import type { Serving } from "./serving.ts";
import { ServingBudget } from "./serving-budget.ts";
import { StoodDown } from "./stood-down.ts";

/** A spent budget is reported at most this often. */
const REPORT_INTERVAL_MS = 60_000;

/**
 * The boards that call, and what the rescuer remembers of them: which one is served next, which have to wait because they
 * wasted time, what may still be sent to boards that do not get healed, and which images they refused (PROTOCOL.md 6.5).
 */
export class Callers {
  readonly #selection: PeerSelection<Call>;
  readonly #budget: ServingBudget;
  readonly #refused: RefusedImages = new RefusedImages();
  readonly #stoodDown: StoodDown = new StoodDown();
  /** When a spent budget may be reported again. */
  #reportAt: Millis = Number.NEGATIVE_INFINITY;

  /** `budget`: shared by all links of a node. */
  constructor(random: Random, budget: ServingBudget = new ServingBudget()) {
    this.#budget = budget;
    this.#selection = new PeerSelection(random);
  }

  /** A board calls; returns the call to answer now, if any. */
  consider(now: Millis, beacon: Call): Call | undefined {
    return this.#budget.isLeft(now) ? this.#selection.consider(now, beacon.nodeId, beacon) : undefined;
  }

  /** The call that is drawn, once the time to hear several boards is over. */
  take(now: Millis): Call | undefined {
    return this.#selection.take(now);
  }

  /** When {@link take} has something. */
  get chooseAt(): Millis | undefined {
    return this.#selection.chooseAt;
  }

  /** Drops the calls that wait: one was taken. */
  forget(): void {
    this.#selection.forget();
  }

  /** Short digests of the images that this start of a target refused or deferred lately. */
  refusedBy(now: Millis, bootNonce: Uint8Array): Uint8Array[] {
    return this.#refused.by(now, bootNonce);
  }

  /** The target that started with this boot nonce refused the image with this short digest. */
  noteRefusal(now: Millis, bootNonce: Uint8Array, digest: Uint8Array): void {
    this.#refused.add(now, bootNonce, digest);
  }

  /** It may take the image with this short digest in so many seconds. */
  noteDeferral(now: Millis, bootNonce: Uint8Array, digest: Uint8Array, seconds: number): void {
    this.#refused.addDeferred(now, bootNonce, digest, seconds);
  }

  /** It is served by another rescuer: its calls are not answered for this long. */
  noteStandDown(now: Millis, bootNonce: Uint8Array, forMs: Millis): void {
    this.#stoodDown.add(now, bootNonce, forMs);
  }

  /** How long the calls of this start of a target are not answered, because it stood us down. */
  stoodDownFor(now: Millis, bootNonce: Uint8Array): Millis {
    return this.#stoodDown.leftOf(now, bootNonce);
  }

  /** A board started again instead of answering its offer. */
  noteRestart(now: Millis, nodeId: Uint8Array): void {
    this.#selection.strike(now, nodeId);
  }

  /**
   * A board says that this session healed it. Proven (link key), nothing of it was wasted; otherwise it is given back as far as
   * {@link ServingBudget.settle} goes.
   */
  noteHealed(now: Millis, serving: Serving, isProven: boolean): void {
    const { targetId } = serving.peer;
    const isWorth =
      isProven || this.#budget.settle(now, targetId, serving.limits.bytesSent, serving.image.size);
    if (isWorth) this.#selection.forgive(targetId);
  }

  /** How long no call is answered because the budget is spent, if that is so and was not said in the last minute. */
  takeSpentReport(now: Millis): Millis | undefined {
    const forMs = this.#budget.leftAfter(now);
    if (forMs === 0 || now < this.#reportAt) return undefined;
    this.#reportAt = now + REPORT_INTERVAL_MS;
    return forMs;
  }

  /** What was sent in this session healed nobody. */
  charge(now: Millis, serving: Serving): void {
    this.#budget.charge(now, serving.limits.bytesSent, serving.image.size);
  }

  /**
   * A board's offer or session was lost: held against the board if it wasted our time. A bye, which anybody on the wire can
   * say, is held against nobody; nor is a line that failed after a good start.
   */
  noteLoss(now: Millis, nodeId: Uint8Array, serving: Serving | undefined, why: RescuerLoss): void {
    const isSilence = why === "silence" || why === "restarted";
    const isWasted = why === "slow" || (isSilence && serving?.limits.isOnPace(now) !== true);
    if (isWasted) this.#selection.strike(now, nodeId, why === "slow");
  }
}
