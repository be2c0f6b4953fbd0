import { BoundedMap } from "../base/bounded-map.ts";
import type { Millis } from "../base/units.ts";
import type { NodeEvent } from "./node-event.ts";

/** Boards whose progress is remembered. */
const BOARDS_MAX = 256;

/** What ends a session well, or the wait after one. */
const ENDS: ReadonlySet<string> = new Set(["verified", "healed", "healthy", "not-healthy"]);

/** When a run last made progress: a block more than ever before on one link with one peer, or an image that is whole. */
export class ProgressWatch {
  /** Most blocks so far, by link and peer. */
  readonly #most: BoundedMap<string, number> = new BoundedMap(BOARDS_MAX);
  #lastAt: Millis;

  constructor(now: Millis) {
    this.#lastAt = now;
  }

  get lastAt(): Millis {
    return this.#lastAt;
  }

  note(now: Millis, event: NodeEvent): void {
    if (this.#isProgress(event)) this.#lastAt = now;
  }

  #isProgress(event: NodeEvent): boolean {
    if (ENDS.has(event.event)) return true;
    if (event.event !== "progress") return false;
    const name = `${event.link} ${event.peer}`;
    const most = this.#most.get(name) ?? -1;
    if (event.blocks <= most) return false;
    this.#most.set(name, event.blocks);
    return true;
  }
}
