/** A link between two boards, which are numbered from 0. */
export type Edge = readonly [number, number];

/** Who is linked to whom: the neighbours of board b are `ends[starts[b]]` up to, without, `ends[starts[b + 1]]`. */
interface Neighbours {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Boards in the order in which a search along the links finds them. */
export interface HopSearch {
  readonly order: readonly number[];
  /** Links to the nearest source, by board; -1 when no source is connected to it. */
  readonly hops: Int32Array;
  /** The board from which each was found; -1 for sources and for boards that were not found. */
  readonly parents: Int32Array;
}

/**
 * Links on the shortest way from each board to the nearest of `sources`; -1 where there is no way. Boards and sources are
 * numbered from 0; a source may be named twice. Takes time in proportion to boards and links.
 */
export function distancesFrom(edges: readonly Edge[], nodes: number, sources: readonly number[]): Int32Array {
  return searchHops(edges, nodes, sources).hops;
}

/** Searches breadth first from `sources`; neighbours of one board are found in the order of `edges`. */
export function searchHops(edges: readonly Edge[], nodes: number, sources: readonly number[]): HopSearch {
  const { starts, ends } = neighboursOf(edges, nodes);
  const hops = new Int32Array(nodes).fill(-1);
  const parents = new Int32Array(nodes).fill(-1);
  const order = [...new Set(sources)];
  for (const source of order) hops[source] = 0;
  // The list grows while it is walked.
  for (const board of order) {
    for (const neighbour of ends.subarray(starts[board], starts[board + 1])) {
      if (hops[neighbour] !== -1) continue;
      hops[neighbour] = (hops[board] ?? 0) + 1;
      parents[neighbour] = board;
      order.push(neighbour);
    }
  }
  return { order, hops, parents };
}

function neighboursOf(edges: readonly Edge[], nodes: number): Neighbours {
  const starts = new Int32Array(nodes + 1);
  for (const edge of edges) for (const end of edge) starts[end + 1] = (starts[end + 1] ?? 0) + 1;
  for (let board = 0; board < nodes; board++)
    starts[board + 1] = (starts[board + 1] ?? 0) + (starts[board] ?? 0);
  const free = starts.slice();
  const ends = new Int32Array(2 * edges.length);
  const add = (from: number, to: number): void => {
    const at = free[from] ?? 0;
    ends[at] = to;
    free[from] = at + 1;
  };
  for (const [a, b] of edges) {
    add(a, b);
    add(b, a);
  }
  return { starts, ends };
}
