import { RangeSet } from "../../link/range-set.ts";

/** A block or object that arrives in chunks, in any order. */
export class Assembly {
  readonly octets: Uint8Array;
  readonly #received: RangeSet = new RangeSet();

  /** `length`: octets of the whole. */
  constructor(length: number) {
    this.octets = new Uint8Array(length);
  }

  /** Takes in a chunk (copied); false when it does not fit. */
  add(offset: number, payload: Uint8Array): boolean {
    if (offset + payload.length > this.octets.length) return false;
    this.octets.set(payload, offset);
    this.#received.add(offset, offset + payload.length);
    return true;
  }

  get isComplete(): boolean {
    return this.#received.isExactly(this.octets.length);
  }

  /** Whether nothing has arrived yet. */
  get isEmpty(): boolean {
    return this.#received.isEmpty;
  }
}
