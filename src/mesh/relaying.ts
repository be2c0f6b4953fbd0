import type { Millis } from "../base/units.ts";

/** A board that is served says so on its other links this often (PROTOCOL.md 5.2). */
const SERVED_SAID_MS: Millis = 30_000;

/**
 * The links over which a board receives an image whose manifest it accepted. Meanwhile it does not call on the others: it
 * hands on there what it has verified of that image, and says rarely that it is served (PROTOCOL.md 6.6).
 */
export class Relaying {
  readonly #links: Set<number> = new Set();
  #sayAt: Millis | undefined;

  /** The image comes over this link, or no longer does. */
  note(now: Millis, link: number, isReceiving: boolean): void {
    if (isReceiving) this.#links.add(link);
    else this.#links.delete(link);
    if (this.#links.size === 0) this.#sayAt = undefined;
    else this.#sayAt ??= now + SERVED_SAID_MS;
  }

  /** An image comes over a link. */
  get isOn(): boolean {
    return this.#links.size > 0;
  }

  /** An image comes over another link than this one. */
  isElsewhere(link: number): boolean {
    return this.#links.size > (this.#links.has(link) ? 1 : 0);
  }

  /** Takes the saying that is due: the status, on all links on which the board is idle. */
  takeSaying(now: Millis): boolean {
    if (this.#sayAt === undefined || now < this.#sayAt) return false;
    this.#sayAt = now + SERVED_SAID_MS;
    return true;
  }

  /** When {@link takeSaying} has something to do. */
  get sayAt(): Millis | undefined {
    return this.#sayAt;
  }
}
