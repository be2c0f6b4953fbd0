import { assert } from "./assert.ts";

/**
 * Shape of the hash tree over an image's blocks (PROTOCOL.md section 7), as in RFC 6962: neighbours are paired level by
 * level, and an odd last node moves up. Level 0 holds the leaves, the top level the root. Node (level, index) covers the
 * leaves from index * 2^level up to, but not including, min((index + 1) * 2^level, leafCount).
 */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** Blocks `first` to `first + count - 1`. */
export interface BlockRange {
  readonly first: number;
  readonly count: number;
}

/** Where flash differs from an image: nodes to ask for, and blocks whose data is wanted, both in order. */
export interface Differences {
  readonly nodes: readonly TreeNode[];
  readonly blocks: readonly number[];
}

/**
 * The outcome of a run of child hashes, or of the claim that a node's range repeats one byte. `bad`: it does not lead to
 * the root, or was not asked for, and nothing changed. `failed`: the flash does not keep what is written.
 */
export type RunOutcome =
  | { readonly tag: "bad" }
  | { readonly tag: "failed" }
  | ({ readonly tag: "good" } & Differences);

/** What a rescuer sends for a node: its run, child hashes joined in order, or the byte that its whole range consists of. */
export type RunPayload =
  | { readonly tag: "hashes"; readonly hashes: Uint8Array }
  | { readonly tag: "uniform"; readonly byte: number };

/** Levels that one run of child hashes spans: up to 2^4 = 16 children (PROTOCOL.md 7.4). */
export const RUN_LEVELS = 4;

/** Number of nodes on `level` of a tree with `leafCount` leaves. */
export function nodesOnLevel(leafCount: number, level: number): number {
  return Math.ceil(leafCount / 2 ** level);
}

/** Level of the root; 0 for a single leaf. `leafCount` is at least 1. */
export function rootLevel(leafCount: number): number {
  assert(leafCount >= 1, "a tree has at least one leaf");
  let level = 0;
  while (2 ** level < leafCount) level++;
  return level;
}

/** Whether the node exists in a tree with `leafCount` leaves. */
export function hasNode(leafCount: number, node: TreeNode): boolean {
  return (
    node.level >= 0 &&
    node.level <= rootLevel(leafCount) &&
    node.index >= 0 &&
    node.index < nodesOnLevel(leafCount, node.level)
  );
}

/**
 * Level whose hashes the run of a node on `level` lists: the next multiple of {@link RUN_LEVELS} below it, so that the
 * lowest runs list 16 leaves. `level` is at least 1.
 */
export function runLevel(level: number): number {
  assert(level >= 1, "a leaf has no run");
  return Math.floor((level - 1) / RUN_LEVELS) * RUN_LEVELS;
}

/** The nodes whose hashes the run of `node` lists, 1 to 16, in order. */
export function runChildren(leafCount: number, node: TreeNode): TreeNode[] {
  const level = runLevel(node.level);
  const first = node.index * 2 ** (node.level - level);
  const end = Math.min((node.index + 1) * 2 ** (node.level - level), nodesOnLevel(leafCount, level));
  return Array.from({ length: end - first }, (_, i) => ({ level, index: first + i }));
}

/** The root of a tree with `leafCount` leaves. */
export function rootNode(leafCount: number): TreeNode {
  return { level: rootLevel(leafCount), index: 0 };
}

/** The nodes with runs on the way from `node` to the first leaf below it, `node` first; none from a leaf. */
export function leftmostPath(leafCount: number, node: TreeNode = rootNode(leafCount)): TreeNode[] {
  const path: TreeNode[] = [];
  for (let next: TreeNode | undefined = node; next !== undefined && next.level > 0; ) {
    path.push(next);
    next = runChildren(leafCount, next)[0];
  }
  return path;
}

/** The leaves below `node`: index of the first, and their count. */
export function leavesBelow(leafCount: number, node: TreeNode): BlockRange {
  const first = node.index * 2 ** node.level;
  return { first, count: Math.min(2 ** node.level, leafCount - first) };
}
