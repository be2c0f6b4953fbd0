import { type MapPlace, relaxed } from "./force-layout.ts";
import { type Edge, searchHops } from "./hops.ts";

/** Longer lines are drawn back and forth, in rows. */
const STRAIGHT_LINE_MAX = 16;
/** Larger trees are drawn in circles around their root: a last level of 32 boards still fits into a row. */
const TREE_IN_ROWS_MAX = 63;
/** Height of a tree in rows. */
const TREE_HEIGHT = 0.56;
/** Larger topologies get a place by their distance from board 0 alone. */
const DETAILED_MAX = 600;

/** A place for each board; the same boards and edges give the same places to the last bit. */
export function placesOf(
  kind: "line" | "ring" | "star" | "grid" | "tree" | "random",
  nodes: number,
  edges: readonly Edge[],
): MapPlace[] {
  if (nodes === 1) return [{ x: 0.5, y: 0.5 }];
  switch (kind) {
    case "line":
      return linePlaces(nodes);
    case "ring":
      return Array.from({ length: nodes }, (_, board) => onCircle(board / nodes, 0.5));
    case "grid":
      return gridPlaces(nodes);
    case "tree":
      return nodes <= TREE_IN_ROWS_MAX ? treeRows(nodes) : circles(nodes, edges);
    case "star":
      return circles(nodes, edges);
    case "random": {
      const first = circles(nodes, edges);
      return nodes <= DETAILED_MAX ? relaxed(first, edges) : first;
    }
  }
}

function linePlaces(nodes: number): MapPlace[] {
  const width = nodes <= STRAIGHT_LINE_MAX ? nodes : Math.ceil(Math.sqrt(2 * nodes));
  return Array.from({ length: nodes }, (_, board) => {
    const row = Math.floor(board / width);
    const column = row % 2 === 0 ? board % width : width - 1 - (board % width);
    return { x: rounded(column / (width - 1)), y: rounded(row / (width - 1)) };
  });
}

function gridPlaces(nodes: number): MapPlace[] {
  const width = Math.ceil(Math.sqrt(nodes));
  return Array.from({ length: nodes }, (_, board) => ({
    x: rounded((board % width) / (width - 1)),
    y: rounded(Math.floor(board / width) / (width - 1)),
  }));
}

function treeRows(nodes: number): MapPlace[] {
  const levelOf = (board: number): number => Math.floor(Math.log2(board + 1));
  const last = levelOf(nodes - 1);
  return Array.from({ length: nodes }, (_, board) => {
    const level = levelOf(board);
    const column = board + 1 - 2 ** level;
    return { x: rounded((column + 0.5) / 2 ** level), y: rounded((TREE_HEIGHT * level) / last) };
  });
}

/**
 * Board 0 in the middle, the others in circles by their distance from it, each within the sector of the board through
 * which it is reached; sectors are as wide as what is behind them. In large topologies a distance gets a ring as wide as
 * its boards need, and they fill it in several rows.
 */
function circles(nodes: number, edges: readonly Edge[]): MapPlace[] {
  const { order, hops, parents } = searchHops(edges, nodes, [0]);
  const angles = anglesOf(order, parents);
  const counts: number[] = [];
  for (const level of hops) counts[level] = (counts[level] ?? 0) + 1;
  const places: MapPlace[] = Array.from({ length: nodes }, () => ({ x: 0.5, y: 0.5 }));
  const seen: number[] = [];
  for (const board of order.slice(1)) {
    const level = hops[board] ?? 0;
    const index = seen[level] ?? 0;
    seen[level] = index + 1;
    const radius =
      nodes <= DETAILED_MAX ? level / (counts.length - 1) : bandRadius(counts, level, index, nodes);
    places[board] = onCircle(angles[board] ?? 0, radius / 2);
  }
  return places;
}

/** The middle of each board's sector, in turns. */
function anglesOf(order: readonly number[], parents: Int32Array): Float64Array {
  const behind = new Float64Array(order.length).fill(1);
  for (const board of order.toReversed()) {
    const parent = parents[board] ?? -1;
    if (parent >= 0) behind[parent] = (behind[parent] ?? 0) + (behind[board] ?? 0);
  }
  const angles = new Float64Array(order.length);
  // Where the next child's sector begins, and how many turns a board behind it is worth.
  const next = new Float64Array(order.length);
  const share = new Float64Array(order.length);
  for (const board of order) {
    const parent = parents[board] ?? -1;
    const from = parent < 0 ? 0 : (next[parent] ?? 0);
    const width = parent < 0 ? 1 : (share[parent] ?? 0) * (behind[board] ?? 0);
    if (parent >= 0) next[parent] = from + width;
    angles[board] = from + width / 2;
    next[board] = from;
    share[board] = width / Math.max(1, (behind[board] ?? 0) - 1);
  }
  return angles;
}

/** Distance from the middle, 0 to 1, so that the boards of all levels are equally dense. */
function bandRadius(counts: readonly number[], level: number, index: number, nodes: number): number {
  const inside = counts.slice(0, level).reduce((sum, count) => sum + count, 0);
  const inner = Math.sqrt(inside / nodes);
  const outer = Math.sqrt((inside + (counts[level] ?? 0)) / nodes);
  const rows = Math.max(1, Math.round((outer - inner) * Math.sqrt(nodes / Math.PI)));
  return inner + ((outer - inner) * ((index % rows) + 0.5)) / rows;
}

/** A point around the middle; turns begin at the top and go clockwise. */
function onCircle(turns: number, radius: number): MapPlace {
  const angle = 2 * Math.PI * turns;
  return { x: rounded(0.5 + radius * Math.sin(angle)), y: rounded(0.5 - radius * Math.cos(angle)) };
}

/** Without the last bits, in which a sine may differ between machines. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
