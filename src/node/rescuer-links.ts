import type { Random } from "../base/prng.ts";
import type { ServeCause } from "../mesh/dispatch.ts";
import { Callers } from "../session/rescuer/callers.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import { ServingBudget } from "../session/rescuer/serving-budget.ts";
import type { SideLink } from "./node-link.ts";
import type { SideHost } from "./node-run.ts";
import type { PickedImages } from "./rescuer-effects.ts";
import type { AcceptedSession } from "./rescuer-reports.ts";

export type RescuerHost = SideHost<RescuerRole>;
export type RescuerLink = SideLink<RescuerRole>;

/** What runs on one link. */
export interface LinkWork {
  readonly images: PickedImages;
  /** What is remembered of the boards on the link, through all changes of role. */
  readonly callers: Callers;
  /** The session that was accepted last. */
  session: AcceptedSession | undefined;
  /** Why the board that was answered last is served. */
  cause: ServeCause;
}

/** What runs on each link of a rescuer. */
export class RescuerLinks {
  readonly #random: Random;
  readonly #makeImages: () => PickedImages;
  /** What is sent to boards that are not healed, on all links. */
  readonly #budget: ServingBudget = new ServingBudget();
  readonly #works: Map<RescuerLink, LinkWork> = new Map();

  constructor(random: Random, makeImages: () => PickedImages) {
    this.#random = random;
    this.#makeImages = makeImages;
  }

  of(link: RescuerLink): LinkWork {
    const known = this.#works.get(link);
    if (known !== undefined) return known;
    const work: LinkWork = {
      images: this.#makeImages(),
      callers: new Callers(this.#random, this.#budget),
      session: undefined,
      cause: "heal",
    };
    this.#works.set(link, work);
    return work;
  }

  /** All links on which something ran. */
  all(): Iterable<readonly [RescuerLink, LinkWork]> {
    return this.#works;
  }
}
