import { assert } from "../base/assert.ts";
import { BoundedMap } from "../base/bounded-map.ts";
import { hasNode, leavesBelow, nodesOnLevel, type TreeNode } from "../base/tree-shape.ts";
import { leafHash, nodeHash } from "./merkle.ts";

/** Pairs of byte value and block size whose hashes are kept: 0x00 and 0xFF of a few images at once. */
const KEPT_MAX = 8;

/** Hashes of complete subtrees, by byte value and block size, then by level: [0] is a full block. Grown on demand. */
const completeHashes = new BoundedMap<string, Uint8Array[]>(KEPT_MAX);

/** Hash of a complete subtree whose bytes are all `byte`. */
function completeHash(byte: number, blockSize: number, level: number): Uint8Array {
  const key = `${byte}/${blockSize}`;
  let byLevel = completeHashes.get(key);
  if (byLevel === undefined) {
    byLevel = [leafHash(new Uint8Array(blockSize).fill(byte))];
    completeHashes.set(key, byLevel);
  }
  let top = byLevel.at(-1);
  assert(top !== undefined, "the hash of a block is always there");
  while (byLevel.length <= level) {
    top = nodeHash(top, top);
    byLevel.push(top);
  }
  const hash = byLevel[level];
  assert(hash !== undefined, `no level ${level}`);
  return hash;
}

/**
 * Hash of `node` in the tree of an image of `size` bytes, if every byte below the node were `byte`. Computes a few
 * hashes a level instead of one a block, since a peer may claim that a whole image is uniform. The node must exist
 * (`hasNode`).
 */
export function uniformNodeHash(
  byte: number,
  leafCount: number,
  size: number,
  blockSize: number,
  node: TreeNode,
): Uint8Array {
  assert(hasNode(leafCount, node), `no node ${node.level}/${node.index}`);
  const { first, count } = leavesBelow(leafCount, node);
  const isComplete = count === 2 ** node.level && (first + count) * blockSize <= size;
  if (isComplete) return completeHash(byte, blockSize, node.level);
  if (node.level === 0) return leafHash(new Uint8Array(size - node.index * blockSize).fill(byte));
  const level = node.level - 1;
  const left = { level, index: 2 * node.index };
  const right = { level, index: left.index + 1 };
  // Only the right edge is incomplete, so at most one of the two descends further.
  const leftHash = uniformNodeHash(byte, leafCount, size, blockSize, left);
  if (!hasNode(leafCount, right)) return leftHash;
  return nodeHash(leftHash, uniformNodeHash(byte, leafCount, size, blockSize, right));
}

const MIXED = -1;

/** Which nodes of a tree are uniform, one byte value repeated: 4 bytes a block, built once from the leaves. */
export class UniformMap {
  readonly #levels: readonly Int16Array[];

  /** `leaves[i]` is the value of every byte of block i, or -1 when they differ. */
  constructor(leaves: Int16Array) {
    const levels = [leaves];
    for (let below = leaves; below.length > 1; ) {
      const level = new Int16Array(nodesOnLevel(leaves.length, levels.length));
      for (let i = 0; i < level.length; i++) {
        const left = below[2 * i] ?? MIXED;
        const right = below[2 * i + 1] ?? left;
        level[i] = left === right ? left : MIXED;
      }
      levels.push(level);
      below = level;
    }
    this.#levels = levels;
  }

  /** The value of every byte below `node`, or undefined when they differ. */
  byteOf(node: TreeNode): number | undefined {
    const value = this.#levels[node.level]?.[node.index] ?? MIXED;
    return value === MIXED ? undefined : value;
  }
}
