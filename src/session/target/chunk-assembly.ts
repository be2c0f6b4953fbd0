import { RangeSet } from "../../link/range-set.ts";

/** A block or object that arrives in chunks, in any order. */
export class ChunkAssembly {
  readonly bytes: Uint8Array;
  readonly #received: RangeSet = new RangeSet();

  /** `length`: bytes of the whole. */
  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  /** Takes in a chunk (copied); false when it does not fit. */
  add(offset: number, payload: Uint8Array): boolean {
    if (offset + payload.length > this.bytes.length) return false;
    this.bytes.set(payload, offset);
    this.#received.add(offset, offset + payload.length);
    return true;
  }

  get isComplete(): boolean {
    return this.#received.isExactly(this.bytes.length);
  }

  /** The bytes from the start on that have arrived without a gap. A view. */
  get prefix(): Uint8Array {
    const first = this.#received.first;
    return this.bytes.subarray(0, first?.from === 0 ? first.to : 0);
  }

  /** Whether nothing has arrived yet. */
  get isEmpty(): boolean {
    return this.#received.isEmpty;
  }
}
