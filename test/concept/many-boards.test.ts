import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { type TopologyKind, topology } from "../../src/sim/many/topologies.ts";
import { World, type WorldOptions } from "../../src/sim/many/world.ts";
import { fixedKey } from "../support/fixed-keys.ts";

const SIZE = 32_768;
const LIMIT_MS = 1_800_000;

function worldOf(
  kind: TopologyKind,
  nodes: number,
  options: Pick<WorldOptions, "seed"> & Partial<WorldOptions>,
): World {
  return new World({
    topology: topology(kind, nodes, new SeededRandom(options.seed)),
    key: fixedKey(5),
    size: SIZE,
    baud: 115_200,
    layout: "ab",
    broken: [],
    update: false,
    loss: 0,
    ...options,
  });
}

describe("boards with a single slot that may be overwritten", () => {
  it.each([1, 2])(
    "F2.3 F2.5 F2.7 F2.9 §58: in a line of six all get the newer version, and never are two neighbours without an image at once; seed %i",
    async (seed) => {
      const world = worldOf("line", 6, { seed, layout: "single", update: true });
      const { boards, options } = world;
      const isDown = (number: number): boolean => boards[number]?.store?.status().isBootable === false;
      const pairs: string[] = [];
      let downs = 0;
      await world.run(1);
      const isWell = await world.continue(LIMIT_MS, () => {
        for (const [a, b] of options.topology.edges) {
          if (isDown(a) || isDown(b)) downs++;
          if (isDown(a) && isDown(b)) pairs.push(`${a}-${b} at ${world.clock.now()} ms`);
        }
        return world.isWell;
      });
      expect(isWell, `behind: ${world.behind}`).toBe(true);
      expect(downs).toBeGreaterThan(0);
      expect(pairs).toEqual([]);
      expect(world.checkers.violations).toEqual([]);
    },
    60_000,
  );
});

describe("forty boards of which one boots", () => {
  it.each(["line", "tree", "grid"] as const)(
    "C19 F3.7 F3.8 F3.10 §59: each is healed once, by a neighbour that has the image, or hands on what it receives of it; %s",
    async (kind) => {
      const nodes = 40;
      const broken = Array.from({ length: nodes - 1 }, (_, i) => i + 1);
      const world = worldOf(kind, nodes, { seed: 7, size: 8_192, broken });
      expect(await world.run(LIMIT_MS), `behind: ${world.behind}`).toBe(true);
      const { spreads } = world;
      expect(spreads.map(({ board }) => board).sort((a, b) => a - b)).toEqual(broken);
      // Where several bring parts, the one that is named may itself be healed a moment later.
      const isAlone = kind !== "grid";
      const healed = new Set(isAlone ? [0] : [0, ...broken]);
      for (const { board, by } of spreads) {
        expect(healed).toContain(by);
        expect(by).not.toBe(board);
        healed.add(board);
      }
      expect(world.checkers.violations).toEqual([]);
    },
    60_000,
  );
});
