import { BoundedMap } from "../../base/bounded-map.ts";
import { toHex } from "../../base/bytes.ts";
import type { Nonces } from "../nonces.ts";

/** Offers that were accepted or stood down, and are not accepted again: nothing in them is fresh from our side. */
const SPENT_OFFERS_MAX = 64;

/** One start of a target, shared by its links: the boot nonce, and the offers that are spent (PROTOCOL.md 5.6, 14.3). */
export class TargetStart {
  readonly #nonces: Nonces;
  readonly #spent: BoundedMap<string, true> = new BoundedMap(SPENT_OFFERS_MAX);
  readonly #bootNonce: Uint8Array;

  /** `nonces`: what they come from. */
  constructor(nonces: Nonces) {
    this.#nonces = nonces;
    this.#bootNonce = nonces();
  }

  /** 8 bytes. */
  get bootNonce(): Uint8Array {
    return this.#bootNonce;
  }

  /** The bytes that an accept adds to the keys of its session; fresh. */
  acceptNonce(): Uint8Array {
    return this.#nonces();
  }

  /** Claims an offer that is proven; true if it may be accepted. With a link key each is accepted once. */
  claim(rescuerNonce: Uint8Array): boolean {
    const name = toHex(rescuerNonce);
    if (this.#spent.has(name)) return false;
    this.#spent.set(name, true);
    return true;
  }
}
