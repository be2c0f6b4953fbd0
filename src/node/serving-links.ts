import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { ServingElsewhere } from "../session/target/offer-answers.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import type { SideLink } from "./node-link.ts";

type Link = SideLink<TargetRole>;

/**
 * The links over which a board is served, by one rescuer or by several that bring one image (PROTOCOL.md 6.9): tells each link
 * what the others do.
 */
export class ServingLinks {
  readonly #linksOf: () => readonly Link[];
  readonly #serving: Map<Link, ServingElsewhere> = new Map();

  constructor(linksOf: () => readonly Link[]) {
    this.#linksOf = linksOf;
  }

  /** What serves the board, on one of its links; undefined while nothing does. */
  get one(): ServingElsewhere | undefined {
    return this.#serving.values().next().value;
  }

  /** Whether another link than this one serves the board. */
  isElsewhere(link: Link): boolean {
    return [...this.#serving.keys()].some((other) => other !== link);
  }

  /** A link accepted an offer. Those that bring another image give way. */
  begin(now: Millis, link: Link, serving: ServingElsewhere): void {
    for (const [other, { digest }] of this.#serving) {
      if (other === link || equalBytes(digest, serving.digest)) continue;
      this.#serving.delete(other);
      other.role?.giveUp(now);
      other.driver.pump();
    }
    this.#serving.set(link, serving);
    this.#tellServed(now);
  }

  /** The session of a link is over, unless another one took its place. */
  end(now: Millis, link: Link): void {
    if (link.role?.isServed === true || !this.#serving.delete(link)) return;
    this.#tellServed(now);
    this.tellShared(now, link);
  }

  /** The board is healed, and the session of a link has ended with that. */
  endHealed(link: Link): void {
    this.#serving.delete(link);
  }

  /** A link changed what is left to ask for: the others ask for more, or for less. */
  tellShared(now: Millis, by: Link): void {
    for (const link of this.#serving.keys()) {
      if (link === by) continue;
      link.role?.handleShared(now);
      link.driver.pump();
    }
  }

  /** The board boots the image with this short digest, which a link committed: the rescuers of the others are to hear it, too. */
  tellHealed(now: Millis, by: Link, digest: Uint8Array): void {
    for (const link of this.#serving.keys()) {
      if (link === by) continue;
      link.role?.handleHealedElsewhere(now, digest);
      link.driver.pump();
    }
  }

  /** Tells each link which other one serves the board. Its calls are due at other times from now on. */
  #tellServed(now: Millis): void {
    for (const link of this.#linksOf()) {
      const elsewhere = [...this.#serving].find(([other]) => other !== link)?.[1];
      link.role?.setServedElsewhere(now, elsewhere);
      link.driver.pump();
    }
  }
}
