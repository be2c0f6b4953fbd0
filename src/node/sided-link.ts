import { assert } from "../base/assert.ts";
import type { Millis } from "../base/units.ts";
import type { ServeCause } from "../mesh/dispatch.ts";
import type { Engagement } from "../mesh/link-role.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import { TargetRole } from "../session/target/target-role.ts";
import type { SideLink } from "./node-link.ts";
import { type LinkReport, linkReport } from "./node-reports.ts";
import { asRescuerLink, asTargetLink, type FullLink } from "./role-link.ts";
import { UnansweredOffers } from "./unanswered-offers.ts";

/** What a link is used for, as it is told to the user. */
type UsedFor = "idle" | "target" | "rescuer";

/** A link of a node with all roles: how each side sees it, what it is engaged in, and what was told of that. */
export class SidedLink {
  readonly link: FullLink;
  /** The node machine names links so. */
  readonly index: number;
  readonly target: SideLink<TargetRole>;
  readonly rescuer: SideLink<RescuerRole>;
  readonly #unanswered: UnansweredOffers = new UnansweredOffers();
  #reported: UsedFor = "idle";

  constructor(link: FullLink, index: number) {
    this.link = link;
    this.index = index;
    this.target = asTargetLink(link);
    this.rescuer = asRescuerLink(link);
  }

  /** The target's role is on it. */
  get isCalling(): boolean {
    return this.link.role instanceof TargetRole;
  }

  /** `cause`: why a board is served on it, or about to be; undefined for none. */
  engagement(now: Millis, cause: ServeCause | undefined): Engagement {
    const { role } = this.link;
    if (role instanceof TargetRole) return role.isServed ? "target" : "none";
    if (cause === undefined) return "none";
    return this.#unanswered.holdsUp(now, role.isSending) ? cause : "none";
  }

  /** What the link is used for, if that changed since it was taken last. */
  takeUse(): UsedFor | undefined {
    const isServing = this.rescuer.role?.isServing === true;
    const use = this.isCalling ? "target" : isServing ? "rescuer" : "idle";
    if (use === this.#reported) return undefined;
    this.#reported = use;
    return use;
  }

  report(): LinkReport {
    return linkReport(this.link, this.#reported);
  }
}

/** All links of a node with all roles; none before its run has opened them. */
export class SidedLinks {
  #all: readonly SidedLink[] = [];
  #byLink: ReadonlyMap<FullLink, SidedLink> = new Map();

  /** The run has made them. */
  start(links: readonly FullLink[]): void {
    this.#all = links.map((link, index) => new SidedLink(link, index));
    this.#byLink = new Map(this.#all.map((sided) => [sided.link, sided]));
  }

  all(): readonly SidedLink[] {
    return this.#all;
  }

  of(link: FullLink): SidedLink {
    const sided = this.#byLink.get(link);
    assert(sided !== undefined, "a link of this node");
    return sided;
  }

  at(index: number): SidedLink {
    const sided = this.#all[index];
    assert(sided !== undefined, `a link ${index}`);
    return sided;
  }

  /** The index of a link that one of the two sides holds; -1 for none of this node. */
  indexOf(side: SideLink<TargetRole> | SideLink<RescuerRole>): number {
    return this.#all.findIndex(({ target, rescuer }) => target === side || rescuer === side);
  }

  endpointAt(index: number): string {
    return this.at(index).link.endpoint;
  }
}
