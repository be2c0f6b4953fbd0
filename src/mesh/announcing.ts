import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import { NewsLimit } from "./news-limit.ts";
import { Trickle } from "./trickle.ts";

/**
 * When a node says its status on each of its links: one Trickle timer a link, without suppression, since on a link between two
 * nobody else can speak for a node (PROTOCOL.md 6.7).
 */
export class Announcing {
  readonly #random: Random;
  readonly #timers: Map<number, Trickle> = new Map();
  readonly #news: NewsLimit = new NewsLimit();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The link came up, or went down. */
  handleLinkUp(now: Millis, link: number, isUp: boolean): void {
    if (!isUp) {
      this.#timers.get(link)?.stop();
      return;
    }
    let timer = this.#timers.get(link);
    if (timer === undefined) {
      timer = new Trickle(this.#random);
      this.#timers.set(link, timer);
    }
    timer.start(now);
  }

  /** The own board has news, which is certain: it is said often again, on all links. */
  handleOwnNews(now: Millis): void {
    for (const timer of this.#timers.values()) timer.handleInconsistent(now);
  }

  /** A neighbour said something new of itself, which nothing proves: it counts once a minute. */
  handleHeardNews(now: Millis, link: number): void {
    if (this.#news.take(now, link)) this.#timers.get(link)?.handleInconsistent(now);
  }

  /** A neighbour said what is known. */
  handleHeardSame(link: number): void {
    this.#timers.get(link)?.handleConsistent();
  }

  /** The links on which the status is due now. Extra calls are harmless. */
  take(now: Millis): number[] {
    const due: number[] = [];
    for (const [link, timer] of this.#timers) if (timer.take(now)) due.push(link);
    return due;
  }

  /** When {@link take} has something to do. */
  get nextAt(): Millis | undefined {
    let soonest: Millis | undefined;
    for (const { nextAt } of this.#timers.values())
      if (nextAt !== undefined && (soonest === undefined || nextAt < soonest)) soonest = nextAt;
    return soonest;
  }
}
