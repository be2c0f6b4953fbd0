import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { topology } from "../../src/sim/many/topologies.ts";
import { World } from "../../src/sim/many/world.ts";
import { fixedKey } from "../support/fixed-keys.ts";

const SIZE = 32_768;
const LIMIT_MS = 1_800_000;

describe("boards with a single slot that may be overwritten, in a line of six", () => {
  it.each([1, 2, 3, 4])(
    "F2.3 F2.5 F2.7 F2.9 §58: all get the newer version, and never are two neighbours without an image at once; seed %i",
    async (seed) => {
      const world = new World({
        topology: topology("line", 6, new SeededRandom(seed)),
        seed,
        key: fixedKey(5),
        size: SIZE,
        baud: 115_200,
        layout: "single",
        broken: [],
        update: true,
        loss: 0,
      });
      const { boards, options } = world;
      const isDown = (number: number): boolean => boards[number]?.store?.status().isBootable === false;
      const pairs: string[] = [];
      let downs = 0;
      for (const board of boards) board.powerOn();
      const isWell = await world.run(1).then(() =>
        world.continue(LIMIT_MS, () => {
          for (const [a, b] of options.topology.edges) {
            if (isDown(a) || isDown(b)) downs++;
            if (isDown(a) && isDown(b)) pairs.push(`${a}-${b} at ${world.clock.now()} ms`);
          }
          return world.isWell;
        }),
      );
      expect(isWell, `behind: ${world.behind}`).toBe(true);
      expect(downs).toBeGreaterThan(0);
      expect(pairs).toEqual([]);
      expect(world.checkers.violations).toEqual([]);
    },
    60_000,
  );
});
