import { equalBytes } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";

/** A board that is served says so on its other links this often (PROTOCOL.md 5.2). */
const SERVED_SAID_MS: Millis = 30_000;
/** A rescuer that offers the same image on another link is called there for this long: its offer is repeated for 5 s. */
const JOIN_FOR_MS: Millis = 6_000;

/**
 * The links over which a board receives an image whose manifest it accepted. Meanwhile it does not call on the others: it
 * hands on there what it has verified of that image, says rarely that it is served, and calls a rescuer that offers
 * the same image, too (PROTOCOL.md 6.6, 6.9).
 */
export class Relaying {
  readonly #links: Set<number> = new Set();
  /** Until when each link is called on, as a rescuer there offers the same image. */
  readonly #joins: Map<number, Millis> = new Map();
  /** Short digest of the image. */
  #digest: Uint8Array | undefined;
  #sayAt: Millis | undefined;

  /** The image with this short digest comes over a link. */
  begin(now: Millis, link: number, digest: Uint8Array): void {
    this.#links.add(link);
    this.#joins.delete(link);
    this.#digest = digest;
    this.#sayAt ??= now + SERVED_SAID_MS;
  }

  /** Nothing comes over a link any more. */
  end(link: number): void {
    this.#links.delete(link);
    if (this.isOn) return;
    this.#joins.clear();
    this.#digest = undefined;
    this.#sayAt = undefined;
  }

  /** An image comes over a link. */
  get isOn(): boolean {
    return this.#links.size > 0;
  }

  /** An image comes over another link than this one, and no rescuer on this one is to bring a part of it. */
  isElsewhere(link: number): boolean {
    return !this.#joins.has(link) && this.#links.size > (this.#links.has(link) ? 1 : 0);
  }

  /** A rescuer on this link offers an image: whether it is the one that is received, so that it is called. */
  join(now: Millis, link: number, digest: Uint8Array): boolean {
    const isSame = this.#digest !== undefined && equalBytes(this.#digest, digest);
    if (isSame && !this.#links.has(link)) this.#joins.set(link, now + JOIN_FOR_MS);
    return isSame;
  }

  /** Takes the saying that is due: the status, on all links on which the board is idle. */
  takeSaying(now: Millis): boolean {
    if (this.#sayAt === undefined || now < this.#sayAt) return false;
    this.#sayAt = now + SERVED_SAID_MS;
    return true;
  }

  /** Ends calls that were not answered. */
  endJoins(now: Millis): void {
    for (const [link, until] of this.#joins) if (now >= until) this.#joins.delete(link);
  }

  /** When {@link takeSaying} or {@link endJoins} has something to do. */
  get nextAt(): Millis | undefined {
    if (this.#sayAt === undefined) return undefined;
    return Math.min(this.#sayAt, ...this.#joins.values());
  }
}
