import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/base/errors.ts";
import { type Random, SeededRandom } from "../../../src/base/prng.ts";
import {
  distancesFrom,
  NODES_MAX,
  RANDOM_DEGREE_MAX,
  TOPOLOGY_KINDS,
  type Topology,
  type TopologyKind,
  topology,
} from "../../../src/sim/many/topologies.ts";

type Edges = Topology["edges"];

const undrawn: Random = {
  u32: () => {
    throw new Error("nothing is drawn");
  },
};

function make(kind: TopologyKind, nodes: number, seed = 1): Topology {
  return topology(kind, nodes, new SeededRandom(seed));
}

/** Text such as "0-1 1-2". */
function written(edges: Edges): string {
  return edges.map((edge) => edge.join("-")).join(" ");
}

/** Hops, found by going over all links until nothing changes. */
function naiveDistances(edges: Edges, nodes: number, sources: readonly number[]): number[] {
  const hops = Array.from({ length: nodes }, (_, board) =>
    sources.includes(board) ? 0 : Number.POSITIVE_INFINITY,
  );
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false;
    for (const [from, to] of edges.flatMap(([a, b]) => [[a, b] as const, [b, a] as const])) {
      const next = (hops[from] ?? 0) + 1;
      if (next >= (hops[to] ?? 0)) continue;
      hops[to] = next;
      hasChanged = true;
    }
  }
  return hops.map((value) => (value === Number.POSITIVE_INFINITY ? -1 : value));
}

function degrees({ nodes, edges }: Topology): number[] {
  const counts = new Array<number>(nodes).fill(0);
  for (const end of edges.flat()) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}

const anySize = fc.integer({ min: 3, max: 120 });
const anyTopology = fc
  .tuple(fc.constantFrom(...TOPOLOGY_KINDS), anySize, fc.nat())
  .map(([kind, nodes, seed]) => make(kind, nodes, seed));

describe("a topology", () => {
  it.each<[TopologyKind, number, string]>([
    ["line", 1, ""],
    ["line", 4, "0-1 1-2 2-3"],
    ["ring", 3, "0-1 0-2 1-2"],
    ["ring", 5, "0-1 0-4 1-2 2-3 3-4"],
    ["star", 5, "0-1 0-2 0-3 0-4"],
    ["grid", 2, "0-1"],
    ["grid", 4, "0-1 0-2 1-3 2-3"],
    ["grid", 7, "0-1 0-3 1-2 1-4 2-5 3-4 3-6 4-5"],
    ["tree", 7, "0-1 0-2 1-3 1-4 2-5 2-6"],
    ["tree", 6, "0-1 0-2 1-3 1-4 2-5"],
  ])("of the kind %s with %i boards has the links %j", (kind, nodes, edges) => {
    const made = topology(kind, nodes, undrawn);
    expect(written(made.edges)).toBe(edges);
    expect([made.kind, made.nodes]).toEqual([kind, nodes]);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 3],
    [4, 5],
    [10, 14],
    [1000, 1499],
  ])("at random of %i boards has %i links", (nodes, links) => {
    expect(make("random", nodes).edges).toHaveLength(links);
  });

  it("at random differs from seed to seed", () => {
    const drawn = new Set([1, 2, 3, 4, 5].map((seed) => written(make("random", 20, seed).edges)));
    expect(drawn.size).toBe(5);
  });

  it.each(TOPOLOGY_KINDS)("of the kind %s takes the most boards there may be, and no more", (kind) => {
    const { nodes, edges, places } = make(kind, NODES_MAX);
    expect([nodes, places.length]).toEqual([NODES_MAX, NODES_MAX]);
    expect(distancesFrom(edges, nodes, [0])).not.toContain(-1);
    expect(() => make(kind, NODES_MAX + 1)).toThrow(UsageError);
  });

  it.each<[TopologyKind, number]>([
    ["line", 0],
    ["grid", -4],
    ["tree", 1.5],
    ["star", Number.NaN],
    ["random", Number.POSITIVE_INFINITY],
    ["ring", 2],
  ])("of the kind %s refuses %d boards", (kind, nodes) => {
    expect(() => make(kind, nodes)).toThrow(expect.objectContaining({ code: "bad-node-count", exitCode: 2 }));
  });

  property.prop([anyTopology], { seed: 1 })(
    "is connected by sorted links without doubles, none of them from a board to itself",
    ({ nodes, edges }) => {
      expect(naiveDistances(edges, nodes, [0])).not.toContain(-1);
      expect(edges.every(([a, b]) => a >= 0 && a < b && b < nodes)).toBe(true);
      const ids = edges.map(([a, b]) => a * nodes + b);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    },
  );

  property.prop([fc.integer({ min: 1, max: 120 }), fc.nat()], { seed: 1 })(
    "at random has at most six links to a board",
    (nodes, seed) => {
      expect(RANDOM_DEGREE_MAX).toBe(6);
      expect(Math.max(...degrees(make("random", nodes, seed)))).toBeLessThanOrEqual(6);
    },
  );

  property.prop([anyTopology], { seed: 1 })(
    "has a place of its own for each board, in a square of side 1",
    ({ nodes, places }) => {
      expect(places).toHaveLength(nodes);
      expect(places.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1)).toBe(true);
      expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(nodes);
    },
  );

  property.prop([fc.constantFrom(...TOPOLOGY_KINDS), anySize, fc.nat()], { seed: 1, numRuns: 30 })(
    "is the same, places included, for the same seed",
    (kind, nodes, seed) => {
      expect(make(kind, nodes, seed)).toEqual(make(kind, nodes, seed));
    },
  );
});

describe("places", () => {
  it("of a tree stand in rows by level, below their parents' level", () => {
    const { places } = make("tree", 31);
    expect(new Set(places.map(({ y }) => y)).size).toBe(5);
    expect(places.slice(1).every(({ y }, i) => y > (places[i >> 1]?.y ?? 1))).toBe(true);
  });

  it("of a large tree stand in circles by level around the root", () => {
    const { places } = make("tree", 255);
    const radii = places.map(({ x, y }) => Math.hypot(x - 0.5, y - 0.5).toFixed(4));
    expect(new Set(radii).size).toBe(8);
    expect(radii[0]).toBe("0.0000");
  });

  it("of a long line go back and forth, so that linked boards are neighbours", () => {
    const { places } = make("line", 100);
    const steps = places
      .slice(1)
      .map(({ x, y }, i) => Math.hypot(x - (places[i]?.x ?? 0), y - (places[i]?.y ?? 0)));
    expect(Math.max(...steps)).toBeCloseTo(Math.min(...steps), 5);
  });
});

describe("distances", () => {
  it("from several sources are those from the nearest", () => {
    expect([...distancesFrom(make("line", 7).edges, 7, [0, 5, 5])]).toEqual([0, 1, 2, 2, 1, 0, 1]);
  });

  it("are -1 where no link leads, and everywhere without a source", () => {
    expect([...distancesFrom([[0, 1]], 3, [0])]).toEqual([0, 1, -1]);
    expect([...distancesFrom([[0, 1]], 3, [])]).toEqual([-1, -1, -1]);
  });

  property.prop([anyTopology, fc.array(fc.nat(), { maxLength: 4 })], { seed: 1 })(
    "are those of a search that goes over all links until nothing changes",
    ({ nodes, edges }, drawn) => {
      const sources = drawn.map((value) => value % nodes);
      const some = edges.filter((_, i) => i % 5 !== 2);
      expect([...distancesFrom(some, nodes, sources)]).toEqual(naiveDistances(some, nodes, sources));
    },
  );
});
