import { SeededRandom } from "../../../src/base/prng.ts";
import type { Spread, SpreadCause, SpreadStory } from "../../../src/sim/many/story.ts";
import { type TopologyKind, topology } from "../../../src/sim/many/topologies.ts";

/** A spread after so many seconds. */
export function spreadTo(board: number, by: number, seconds: number, cause: SpreadCause = "heal"): Spread {
  return { board, by, at: 1000 * seconds, cause, seconds: 0.75 };
}

/** A story on a line of four boards, of which all but board 0 are broken and healed one by another. */
export function lineStory(changes: Partial<SpreadStory> = {}): SpreadStory {
  return {
    topology: topology("line", 4, new SeededRandom(1)),
    seed: 7,
    options: { size: "64K", baud: 115200, faults: true },
    brokenAtStart: [1, 2, 3],
    spreads: [spreadTo(3, 2, 2.43), spreadTo(1, 0, 0.81), spreadTo(2, 1, 1.62)],
    endedAt: 3000,
    violations: [],
    transferMs: 750,
    ...changes,
  };
}

/** A story in which each board but 0 is healed by its neighbour of the smallest number, a little later than that one. */
export function waveStory(kind: TopologyKind, nodes: number): SpreadStory {
  const made = topology(kind, nodes, new SeededRandom(1));
  const from = new Map<number, number>();
  for (const [a, b] of made.edges) if (!from.has(b)) from.set(b, a);
  const readyAt = new Map([[0, 0]]);
  const spreads = [...from.keys()]
    .sort((a, b) => a - b)
    .map((board) => {
      const by = from.get(board) ?? 0;
      const at = (readyAt.get(by) ?? 0) + 0.743 + (board % 7) / 100;
      readyAt.set(board, at);
      return spreadTo(board, by, at);
    });
  return lineStory({
    topology: made,
    spreads,
    brokenAtStart: Array.from({ length: nodes - 1 }, (_, i) => i + 1),
    endedAt: Math.max(0, ...readyAt.values()) * 1000,
  });
}
