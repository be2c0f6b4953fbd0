import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import type { Accept } from "../../wire/messages.ts";
import type { Offering } from "./offering.ts";

/** Replaced offers that may still be accepted. */
const REPLACED_MAX = 16;
/** Different images that the offers may be about: each is held open. */
const IMAGES_MAX = 4;

/**
 * The offers that a target may still accept: the present one, which is repeated, and those that a later call replaced. Each
 * keeps its own image. So a peer that calls without end does not void the offers to others (PROTOCOL.md 6.5).
 */
export class Offers {
  #present: Offering | undefined;
  /** Newest first. */
  #replaced: Offering[] = [];

  /** The offer that is repeated. */
  get present(): Offering | undefined {
    return this.#present;
  }

  /** Makes an offer the present one; returns those that are void because there are too many. */
  add(offering: Offering): Offering[] {
    const replaced = [...(this.#present === undefined ? [] : [this.#present]), ...this.#replaced];
    this.#present = offering;
    const images: Uint8Array[] = [offering.image.digest];
    this.#replaced = replaced.slice(0, REPLACED_MAX).filter(({ image: { digest } }) => {
      if (images.some((known) => equalBytes(known, digest))) return true;
      return images.push(digest) <= IMAGES_MAX;
    });
    return replaced.filter((old) => !this.#replaced.includes(old));
  }

  /** The call of this name came again: makes its offer the present one. False if it has none. */
  renew(now: Millis, name: string): boolean {
    const offering = this.#all.find((known) => known.name === name);
    if (offering === undefined) return false;
    if (offering !== this.#present) {
      this.drop(offering);
      this.add(offering);
    }
    offering.handleCallRepeat(now);
    return true;
  }

  /** The offer with this nonce. */
  find(rescuerNonce: Uint8Array): Offering | undefined {
    return this.#all.find(({ peer }) => equalBytes(peer.rescuerNonce, rescuerNonce));
  }

  /** The offer that is accepted, in time. */
  acceptedBy(now: Millis, accept: Accept): Offering | undefined {
    return this.#all.find((offering) => offering.isAcceptedBy(now, accept));
  }

  /** Forgets one offer. */
  drop(offering: Offering): void {
    if (this.#present === offering) this.#present = undefined;
    this.#replaced = this.#replaced.filter((other) => other !== offering);
  }

  /** Forgets all, and returns them. */
  takeAll(): Offering[] {
    const all = this.#all;
    this.#present = undefined;
    this.#replaced = [];
    return all;
  }

  /** Forgets the replaced offers whose time is over, and returns them. */
  takeOver(now: Millis): Offering[] {
    const over = this.#replaced.filter((offering) => offering.isOver(now));
    if (over.length > 0) this.#replaced = this.#replaced.filter((offering) => !offering.isOver(now));
    return over;
  }

  /** When the time of the next one is over. */
  get endsAt(): Millis | undefined {
    const ends = this.#all.map(({ endsAt }) => endsAt);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  get #all(): Offering[] {
    return this.#present === undefined ? this.#replaced : [this.#present, ...this.#replaced];
  }
}
