import type { Millis } from "../../base/units.ts";
import type { CodedBlockCodec } from "../coded-block.ts";

/** A block that has arrived. */
export interface CompleteBlock {
  readonly block: number;
  /** The block; with `coded`, the coded block that stands for its `length` bytes. */
  readonly bytes: Uint8Array;
  readonly coded?: { readonly codec: CodedBlockCodec; readonly length: number };
}

/**
 * Complete blocks of a target that hears nothing while it writes: they are written together, once nothing more is on its
 * way (PROTOCOL.md 5.9).
 */
export class HeldWrites {
  #held: CompleteBlock[] = [];
  #since: Millis = 0;

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** When the oldest of them came. */
  get since(): Millis {
    return this.#since;
  }

  add(now: Millis, block: CompleteBlock): void {
    if (this.isEmpty) this.#since = now;
    this.#held.push(block);
  }

  /** All of them, in the order in which they came. */
  takeAll(): readonly CompleteBlock[] {
    const all = this.#held;
    this.#held = [];
    return all;
  }
}
