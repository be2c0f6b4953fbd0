import { assert } from "../base/assert.ts";
import { hasNode, leavesBelow, nodesOnLevel, type TreeNode } from "../base/tree-shape.ts";
import { leafHash, nodeHash } from "./merkle.ts";

/** Ladders remembered: enough for 0x00 and 0xFF of a few images at once. */
const LADDERS_MAX = 8;

/** Hashes of complete subtrees of one value, by level; [0] is a full block. Grown on demand. */
const ladders = new Map<string, Uint8Array[]>();

function completeHash(byte: number, blockSize: number, level: number): Uint8Array {
  const key = `${byte}/${blockSize}`;
  let ladder = ladders.get(key);
  if (ladder === undefined) {
    const oldest = ladders.keys().next();
    if (ladders.size >= LADDERS_MAX && !oldest.done) ladders.delete(oldest.value);
    ladder = [leafHash(new Uint8Array(blockSize).fill(byte))];
    ladders.set(key, ladder);
  }
  let top = ladder.at(-1);
  assert(top !== undefined, "a ladder begins with its leaf");
  while (ladder.length <= level) {
    top = nodeHash(top, top);
    ladder.push(top);
  }
  const hash = ladder[level];
  assert(hash !== undefined, `no level ${level}`);
  return hash;
}

/**
 * Hash of `node` in the tree of an image of `size` bytes, if every byte below the node were `byte`. Takes a few
 * hashes per level, not one per block: a peer may claim uniformity for a whole image. The node exists (`hasNode`).
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

/** Which nodes of a tree are one repeated byte: 4 bytes a block, built once from the leaves. */
export class UniformMap {
  readonly #levels: readonly Int16Array[];

  /** `leaves[i]` is the byte that all of block i is, or -1. */
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

  /** The byte that everything below `node` is, or undefined. */
  byteOf(node: TreeNode): number | undefined {
    const value = this.#levels[node.level]?.[node.index] ?? MIXED;
    return value === MIXED ? undefined : value;
  }
}
