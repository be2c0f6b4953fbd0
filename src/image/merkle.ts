import { assert } from "../base/assert.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { hasNode, nodesOnLevel, rootNode, runLevel, type TreeNode } from "../base/tree-shape.ts";
import { sha256 } from "./hash.ts";

// Domain separation, PROTOCOL.md section 7.2: a leaf's hash can never be mistaken for a node's.
const LEAF_PREFIX: Uint8Array = Uint8Array.of(0x00);
const NODE_PREFIX: Uint8Array = Uint8Array.of(0x01);

/** Hash of one block; the last block of an image is hashed at its own, shorter length. */
export function leafHash(block: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, block);
}

/** Hash of an inner node with two children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/** The level above: neighbours are paired, an odd last hash is promoted unchanged. */
function foldLevel(hashes: Uint8Array): Uint8Array {
  const count = hashes.length / HASH_LENGTH;
  const out = new Uint8Array(Math.ceil(count / 2) * HASH_LENGTH);
  for (let i = 0; i < count; i += 2) {
    const at = i * HASH_LENGTH;
    const left = hashes.subarray(at, at + HASH_LENGTH);
    const right = hashes.subarray(at + HASH_LENGTH, at + 2 * HASH_LENGTH);
    out.set(right.length === 0 ? left : nodeHash(left, right), at / 2);
  }
  return out;
}

/**
 * Hash of the node whose run of child hashes (PROTOCOL.md section 7.4) is `hashes`, joined in order. The caller has
 * checked their number against `runChildren`: another number gives the hash of another shape of tree.
 */
export function foldRun(hashes: Uint8Array): Uint8Array {
  assert(hashes.length > 0 && hashes.length % HASH_LENGTH === 0, `run of ${hashes.length} bytes`);
  let level = hashes;
  while (level.length > HASH_LENGTH) level = foldLevel(level);
  return level;
}

/** Leaf hashes of `data`, joined. Files are hashed block by block instead: `BlockDigester`. */
export function leavesOf(data: Uint8Array, blockSize: number): Uint8Array {
  const count = Math.ceil(data.length / blockSize);
  const out = new Uint8Array(count * HASH_LENGTH);
  for (let i = 0; i < count; i++) {
    out.set(leafHash(data.subarray(i * blockSize, (i + 1) * blockSize)), i * HASH_LENGTH);
  }
  return out;
}

/** All hashes of an image's tree: 64 bytes a block. */
export class HashTree {
  readonly leafCount: number;
  /** Joined hashes of each level, leaves first. */
  readonly #levels: readonly Uint8Array[];

  private constructor(levels: readonly Uint8Array[], leafCount: number) {
    this.#levels = levels;
    this.leafCount = leafCount;
  }

  /** Builds the tree over joined leaf hashes, one or more. Keeps a view of `leaves`: do not change it afterwards. */
  static fromLeaves(leaves: Uint8Array): HashTree {
    assert(leaves.length > 0 && leaves.length % HASH_LENGTH === 0, `leaves of ${leaves.length} bytes`);
    const levels = [leaves];
    for (let level = leaves; level.length > HASH_LENGTH; ) {
      level = foldLevel(level);
      levels.push(level);
    }
    return new HashTree(levels, leaves.length / HASH_LENGTH);
  }

  /** The root hash, a view. */
  get root(): Uint8Array {
    return this.hash(rootNode(this.leafCount));
  }

  /** Hash of a node, a view. The node must exist (`hasNode`). */
  hash(node: TreeNode): Uint8Array {
    return this.#slice(node.level, node.index, 1);
  }

  /** Child hashes of a node above the leaves, joined, 1 to 16, a view (PROTOCOL.md section 7.4). */
  run(node: TreeNode): Uint8Array {
    assert(hasNode(this.leafCount, node), `no node ${node.level}/${node.index}`);
    const level = runLevel(node.level);
    const width = 2 ** (node.level - level);
    const first = node.index * width;
    return this.#slice(level, first, Math.min(width, nodesOnLevel(this.leafCount, level) - first));
  }

  #slice(level: number, index: number, count: number): Uint8Array {
    const hashes = this.#levels[level];
    const end = (index + count) * HASH_LENGTH;
    assert(hashes !== undefined && index >= 0 && end <= hashes.length, `no node ${level}/${index}`);
    return hashes.subarray(index * HASH_LENGTH, end);
  }
}
