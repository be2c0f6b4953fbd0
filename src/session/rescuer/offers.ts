import { equalBytes } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";
import type { Accept } from "../../wire/messages.ts";
import type { SessionIdentity } from "../identity.ts";
import type { Offering } from "./offering.ts";

/** Replaced offers that are remembered. */
const REPLACED_MAX = 16;

/**
 * The offers that a target may still accept: the present one, and those that a later call replaced. All of them count,
 * so that a peer that calls without end does not void the offers to others.
 */
export class Offers {
  /** Newest first. */
  #replaced: Offering[] = [];

  /** A later call takes the place of this offer. */
  replace(offering: Offering): void {
    this.#replaced = [offering, ...this.#replaced].slice(0, REPLACED_MAX);
  }

  /** A session begins: the other offers are void. */
  clear(): void {
    this.#replaced = [];
  }

  /** The sessions that replaced offers would begin. */
  get peers(): SessionIdentity[] {
    return this.#replaced.map(({ peer }) => peer);
  }

  /** The offer that is accepted: `present`, or a replaced one about the same image. */
  acceptedBy(now: Millis, accept: Accept, present: Offering): Offering | undefined {
    return [present, ...this.#replaced].find((offering) => offering.isAcceptedBy(now, accept, present.image));
  }
}

/** Whether an answer with this nonce is about the session `peer`. */
export function isAbout(peer: SessionIdentity | undefined, rescuerNonce: Uint8Array): boolean {
  return peer !== undefined && equalBytes(peer.rescuerNonce, rescuerNonce);
}
