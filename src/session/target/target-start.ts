import { toHex } from "../../base/bytes.ts";
import type { Nonces } from "../nonces.ts";

/** Offers that were accepted, deferred or stood down under one boot nonce, and are not accepted again. */
const SPENT_OFFERS_MAX = 64;

/**
 * What a claim of an offer gives. `claimed`: it may be taken. `spent`: it was claimed before. `renewed`: it could not be
 * remembered, and the boot nonce changed instead, which voids it with all others.
 */
export type OfferClaim = "claimed" | "spent" | "renewed";

/** One start of a target, shared by its links: the boot nonce, and the offers that are spent (PROTOCOL.md 5.6, 14.3). */
export class TargetStart {
  readonly #nonces: Nonces;
  readonly #spent: Set<string> = new Set();
  #bootNonce: Uint8Array;

  /** `nonces`: with a link key, ones that never repeat (`countedNonces`). */
  constructor(nonces: Nonces) {
    this.#nonces = nonces;
    this.#bootNonce = nonces();
  }

  /** 8 bytes. The same for the whole start, but for {@link claim} and {@link renew}. */
  get bootNonce(): Uint8Array {
    return this.#bootNonce;
  }

  /** The bytes that an accept adds to the keys of its session; fresh. */
  acceptNonce(): Uint8Array {
    return this.#nonces();
  }

  /** Claims an offer that is proven, by its rescuer nonce. With a link key each is taken once, whatever comes between. */
  claim(rescuerNonce: Uint8Array): OfferClaim {
    const name = toHex(rescuerNonce);
    if (this.#spent.has(name)) return "spent";
    if (this.#spent.size < SPENT_OFFERS_MAX) {
      this.#spent.add(name);
      return "claimed";
    }
    this.renew();
    return "renewed";
  }

  /** Another boot nonce, which voids all offers of before: the board has started what it received, and calls again. */
  renew(): void {
    this.#spent.clear();
    this.#bootNonce = this.#nonces();
  }
}
