import { HASH_LENGTH } from "../base/digest.ts";
import { leavesBelow, type TreeNode } from "../base/tree-shape.ts";
import type { Flash } from "../flash/nor-flash.ts";
import { foldRun, leafHash } from "../image/merkle.ts";
import type { RepairUnits } from "./repair-units.ts";

/**
 * Hashes of what a slot holds now, in blocks of the image that is to be received. Each block is read once, when it is
 * first asked for. Keeps 33 bytes a block, and no hashes of inner nodes, which could become stale.
 */
export class LocalLeaves {
  readonly #flash: Flash;
  readonly #units: RepairUnits;
  readonly #leafCount: number;
  readonly #hashes: Uint8Array;
  readonly #isKnown: Uint8Array;

  constructor(flash: Flash, units: RepairUnits, leafCount: number) {
    this.#flash = flash;
    this.#units = units;
    this.#leafCount = leafCount;
    this.#hashes = new Uint8Array(leafCount * HASH_LENGTH);
    this.#isKnown = new Uint8Array(leafCount);
  }

  /** Hash of a block as it was when first read, or as given to {@link set}. A view. */
  leaf(index: number): Uint8Array {
    const view = this.#hashes.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH);
    if (this.#isKnown[index] !== 1) {
      view.set(this.readLeaf(index));
      this.#isKnown[index] = 1;
    }
    return view;
  }

  /** Hash of a block as it is in flash now. */
  readLeaf(index: number): Uint8Array {
    const { offset, size } = this.#units.block(index);
    return leafHash(this.#flash.read(offset, size));
  }

  /** Sets the hash of a block after it was written. */
  set(index: number, hash: Uint8Array): void {
    this.#hashes.set(hash, index * HASH_LENGTH);
    this.#isKnown[index] = 1;
  }

  /** Hash of any node over the blocks of the slot. */
  node(node: TreeNode): Uint8Array {
    const { first, count } = leavesBelow(this.#leafCount, node);
    for (let i = first; i < first + count; i++) this.leaf(i);
    return foldRun(this.#hashes.subarray(first * HASH_LENGTH, (first + count) * HASH_LENGTH));
  }
}
