import type { Clock } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";
import { findHolders, holderText } from "./port-holder.ts";

/** How often they are looked for, at most. */
const LOOK_EVERY_MS: Millis = 30_000;

/**
 * Finds other programs that have a port open. A lock keeps out who asks for one; a program that opened the port before, or
 * is root, reads bytes that are meant for us.
 */
export class OtherReaders {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #told: Set<number> = new Set();
  #lookedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Looks for them, unless it did lately; `tell` gets a sentence about those that were not told of before. */
  async look(tell: (detail: string) => void): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const holders = (await findHolders([this.#path])).get(this.#path) ?? [];
    const others = holders.filter(({ pid, isMaker }) => pid !== process.pid && !isMaker);
    const news = others.filter(({ pid }) => !this.#told.has(pid));
    for (const { pid } of news) this.#told.add(pid);
    if (news.length === 0) return;
    const who = news.map(holderText).join(" and ");
    tell(`the port is also open in ${who}, which may take bytes that are meant for this end: end that`);
  }
}
