import { concatBytes } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { hasNode, leavesBelow, runChildren, type TreeNode } from "../base/tree-shape.ts";
import type { Manifest } from "../image/manifest.ts";
import { foldRun } from "../image/merkle.ts";
import { uniformNodeHash } from "../image/uniform-nodes.ts";

/** The hashes of an image's tree that were checked against its root so far. Keeps 33 bytes a block, and inner nodes apart. */
export class KnownHashes {
  readonly #manifest: Manifest;
  /** Leaf hashes, joined. */
  readonly #leaves: Uint8Array;
  readonly #isKnown: Uint8Array;
  readonly #nodes: Map<string, Uint8Array> = new Map();

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#leaves = new Uint8Array(manifest.leafCount * HASH_LENGTH);
    this.#isKnown = new Uint8Array(manifest.leafCount);
  }

  /** Takes a hash that was checked. Keeps it as it is, if it is of an inner node. */
  learn(node: TreeNode, hash: Uint8Array): void {
    if (node.level > 0) this.#nodes.set(`${node.level}/${node.index}`, hash);
    else if (this.#isKnown[node.index] !== 1) {
      this.#leaves.set(hash, node.index * HASH_LENGTH);
      this.#isKnown[node.index] = 1;
    }
  }

  /** Whether the hash of a block is known. */
  hasLeaf(index: number): boolean {
    return this.#isKnown[index] === 1;
  }

  /** A view; undefined when it is not known, or the image has no such node. */
  of(node: TreeNode): Uint8Array | undefined {
    if (!hasNode(this.#manifest.leafCount, node)) return undefined;
    if (node.level > 0) return this.#nodes.get(`${node.level}/${node.index}`);
    if (this.#isKnown[node.index] !== 1) return undefined;
    return this.#leaves.subarray(node.index * HASH_LENGTH, (node.index + 1) * HASH_LENGTH);
  }

  /** The same, also when only the hashes of all blocks below it are known. */
  find(node: TreeNode): Uint8Array | undefined {
    const known = this.of(node);
    if (known !== undefined || node.level === 0 || !hasNode(this.#manifest.leafCount, node)) return known;
    const { first, count } = leavesBelow(this.#manifest.leafCount, node);
    if (this.#isKnown.subarray(first, first + count).includes(0)) return undefined;
    const hash = foldRun(this.#leaves.subarray(first * HASH_LENGTH, (first + count) * HASH_LENGTH));
    this.learn(node, hash);
    return hash;
  }

  /** The child hashes of a node above the leaves, joined; undefined unless all are known, or the image has no such node. */
  run(node: TreeNode): Uint8Array | undefined {
    const { leafCount } = this.#manifest;
    if (node.level === 0 || !hasNode(leafCount, node)) return undefined;
    const hashes: Uint8Array[] = [];
    for (const child of runChildren(leafCount, node)) {
      const hash = this.find(child);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    return concatBytes(...hashes);
  }

  /** What the hash of a node would be if every byte below it were `byte`. */
  uniform(node: TreeNode, byte: number): Uint8Array {
    const { leafCount, size, blockSize } = this.#manifest;
    return uniformNodeHash(byte, leafCount, size, blockSize, node);
  }
}
