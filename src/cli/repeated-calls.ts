import { BoundedMap } from "../base/bounded-map.ts";
import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import type { NodeEvent } from "../node/node-event.ts";

/** A call that says nothing new is shown again after this long. */
const AGAIN_MS: Millis = 60_000;
/** Calls, and answers to them, that are remembered. */
const SHOWN_MAX = 512;
/** What follows each call. */
const REPEATED = ["distress", "refused"] as const;

interface Shown {
  readonly text: string;
  readonly at: Millis;
}

/** Which calls of boards, and answers to them, are news for people: a board repeats its call every second or two until it is healed. */
export class RepeatedCalls {
  readonly #clock: Clock;
  readonly #shown: BoundedMap<string, Shown> = new BoundedMap(SHOWN_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether an event with this text is to be shown. A board that was served and calls again is news. */
  isNews(event: NodeEvent, text: string): boolean {
    if (!("peer" in event)) return true;
    const board = `${event.peer} ${event.link}`;
    if (event.event === "healed" || event.event === "lost")
      for (const kind of REPEATED) this.#shown.delete(`${kind} ${board}`);
    if (!REPEATED.some((kind) => kind === event.event)) return true;
    const name = `${event.event} ${board}`;
    const now = this.#clock.now();
    const last = this.#shown.get(name);
    if (last !== undefined && last.text === text && now - last.at < AGAIN_MS) return false;
    this.#shown.set(name, { text, at: now });
    return true;
  }
}
