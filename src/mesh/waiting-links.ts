import type { Millis } from "../base/units.ts";
import type { Admission } from "./dispatch.ts";
import type { HandedOn } from "./handed-on.ts";

/**
 * Links on which a neighbour wanted an update that has to wait: until others are served, or what was handed on lately has
 * soaked. They hear that the board is there when there is time again.
 */
export class WaitingLinks {
  readonly #links: Set<number> = new Set();
  readonly #handedOn: HandedOn;
  /** Somebody waits until the soak time is over. */
  #isSoaking = false;

  constructor(handedOn: HandedOn) {
    this.#handedOn = handedOn;
  }

  /** What a neighbour on this link was told. */
  note(link: number, admission: Admission): void {
    if (admission.tag === "wait") this.#links.add(link);
    else this.#links.delete(link);
    if (admission.tag === "wait" && admission.why === "soak") this.#isSoaking = true;
  }

  /** One link serves nobody any more: takes the others that wait, in order. */
  takeBeside(free: number): number[] {
    return this.#take((link) => link !== free);
  }

  /** Takes all that wait once the soak time is over for which somebody waits. */
  takeSoaked(now: Millis): number[] {
    if (!this.#isSoaking || this.#handedOn.freeAt(now) !== undefined) return [];
    this.#isSoaking = false;
    return this.#take(() => true);
  }

  #take(isTaken: (link: number) => boolean): number[] {
    const taken = [...this.#links].filter(isTaken).sort((a, b) => a - b);
    for (const link of taken) this.#links.delete(link);
    return taken;
  }
}
