import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import type { DescentPlan } from "./descent-plan.ts";
import { ImageLedger } from "./image-ledger.ts";

/** Sessions on one link that brought nothing, before it is left out for a while. */
const FRUITLESS_FREE = 2;
/** For how long: doubled with each further one, up to a limit. */
const LEFT_OUT_MIN_MS: Millis = 10_000;
const LEFT_OUT_MAX_MS: Millis = 640_000;

interface Fruitless {
  readonly times: number;
  readonly until: Millis;
}

/**
 * What the sessions of one board share, on all its links: the ledger of the image that several rescuers bring at once (PROTOCOL.md
 * 6.9). One object for a board, from the start of its node to the end.
 */
export class Swarm {
  #ledger: ImageLedger | undefined;
  /** By link, and not by rescuer: invented ids share one allowance. */
  readonly #fruitless: WeakMap<Link, Fruitless> = new WeakMap();

  /** The ledger of an image that is being received, by its short digest. */
  ledgerOf(digest: Uint8Array): ImageLedger | undefined {
    const ledger = this.#ledger;
    const isOpen = ledger !== undefined && !ledger.isLeft && ledger.state === "open";
    return isOpen && equalBytes(ledger.plan.digest, digest) ? ledger : undefined;
  }

  /** The ledger of a plan: that of the sessions that receive it already, or a new one. */
  ledgerFor(plan: DescentPlan): ImageLedger {
    const known = this.ledgerOf(plan.digest);
    if (known !== undefined) return known;
    this.#ledger = new ImageLedger(plan);
    return this.#ledger;
  }

  /** Whether one more session may join on a link: those before it brought something. */
  mayJoin(now: Millis, link: Link): boolean {
    return now >= (this.#fruitless.get(link)?.until ?? Number.NEGATIVE_INFINITY);
  }

  /** A session on a link is over. `isFruitless`: it brought no block. */
  noteEnd(now: Millis, link: Link, isFruitless: boolean): void {
    if (!isFruitless) {
      this.#fruitless.delete(link);
      return;
    }
    const times = (this.#fruitless.get(link)?.times ?? 0) + 1;
    const doublings = times - FRUITLESS_FREE;
    const forMs = doublings < 0 ? 0 : Math.min(LEFT_OUT_MAX_MS, LEFT_OUT_MIN_MS * 2 ** doublings);
    this.#fruitless.set(link, { times, until: now + forMs });
  }
}
