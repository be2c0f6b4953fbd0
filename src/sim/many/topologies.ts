import { UsageError } from "../../base/errors.ts";
import { type Random, randomBelow } from "../../base/prng.ts";
import type { MapPlace } from "./force-layout.ts";
import type { Edge } from "./hops.ts";
import { placesOf } from "./places.ts";

export { distancesFrom } from "./hops.ts";

export const TOPOLOGY_KINDS = ["line", "ring", "star", "grid", "tree", "random"] as const;
export type TopologyKind = (typeof TOPOLOGY_KINDS)[number];

/** Boards, numbered from 0, and the links between them. All are connected. */
export interface Topology {
  readonly kind: TopologyKind;
  readonly nodes: number;
  /** Each link once, the board of the smaller number first, sorted by both. No board is linked to itself. */
  readonly edges: readonly Edge[];
  /** Where each board is drawn, in a square of side 1; y goes down. */
  readonly places: readonly MapPlace[];
}

/** Most boards of a topology. */
export const NODES_MAX = 20_000;
/** A ring of two would link the same boards twice. */
const RING_NODES_MIN = 3;
/** Most links of a board in a random topology. */
export const RANDOM_DEGREE_MAX = 6;

/**
 * The topology of that kind with `nodes` boards, 1 to {@link NODES_MAX}, a ring from 3; else a UsageError. A star has
 * board 0 in its middle; a grid is ceil(sqrt(nodes)) wide, and its last row may be short; in a tree the parent of board i
 * is (i - 1) >> 1; a random topology is a random tree and nodes / 2 links more, or as many as fit, with at most
 * {@link RANDOM_DEGREE_MAX} links to a board. `random` is drawn from for the kind "random" alone.
 */
export function topology(kind: TopologyKind, nodes: number, random: Random): Topology {
  const min = kind === "ring" ? RING_NODES_MIN : 1;
  if (!Number.isInteger(nodes) || nodes < min || nodes > NODES_MAX)
    throw new UsageError(
      "bad-node-count",
      `a ${kind} cannot have ${nodes} boards; give a whole number from ${min} to ${NODES_MAX}`,
      { kind, nodes, min, max: NODES_MAX },
    );
  const edges = edgesOf(kind, nodes, random).sort(([a, b], [c, d]) => a - c || b - d);
  return { kind, nodes, edges, places: placesOf(kind, nodes, edges) };
}

function edgesOf(kind: TopologyKind, nodes: number, random: Random): Edge[] {
  switch (kind) {
    case "line":
      return eachBut0(nodes, (board) => board - 1);
    case "ring":
      return [...eachBut0(nodes, (board) => board - 1), [0, nodes - 1]];
    case "star":
      return eachBut0(nodes, () => 0);
    case "grid":
      return gridEdges(nodes);
    case "tree":
      return eachBut0(nodes, (board) => (board - 1) >> 1);
    case "random":
      return randomEdges(nodes, random);
  }
}

/** A link from each board but 0 to a board of a smaller number. */
function eachBut0(nodes: number, parent: (board: number) => number): Edge[] {
  return Array.from({ length: nodes - 1 }, (_, i): Edge => [parent(i + 1), i + 1]);
}

function gridEdges(nodes: number): Edge[] {
  const width = Math.ceil(Math.sqrt(nodes));
  const edges: Edge[] = [];
  for (let board = 0; board < nodes; board++) {
    if ((board + 1) % width !== 0 && board + 1 < nodes) edges.push([board, board + 1]);
    if (board + width < nodes) edges.push([board, board + width]);
  }
  return edges;
}

/**
 * Draws again what does not fit, and ends: half of the drawn boards take further links at any time, as a board has three
 * links on average, and up to seven boards may all be linked to one another.
 */
function randomEdges(nodes: number, random: Random): Edge[] {
  const edges: Edge[] = [];
  const known = new Set<number>();
  const degrees = new Uint8Array(nodes);
  const drawOpen = (below: number): number => {
    for (;;) {
      const board = randomBelow(random, below);
      if ((degrees[board] ?? 0) < RANDOM_DEGREE_MAX) return board;
    }
  };
  const link = (low: number, high: number): void => {
    const id = low * nodes + high;
    if (known.has(id)) return;
    known.add(id);
    for (const board of [low, high]) degrees[board] = (degrees[board] ?? 0) + 1;
    edges.push([low, high]);
  };
  for (let board = 1; board < nodes; board++) link(drawOpen(board), board);
  const count = Math.min(nodes - 1 + (nodes >> 1), (nodes * (nodes - 1)) / 2);
  while (edges.length < count) {
    const a = drawOpen(nodes);
    const b = drawOpen(nodes);
    if (a !== b) link(Math.min(a, b), Math.max(a, b));
  }
  return edges;
}
