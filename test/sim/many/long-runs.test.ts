import { describe, expect, it } from "vitest";
import { runRest, runStorm } from "../../../src/sim/many/long-runs.ts";
import type { Scenario } from "../../../src/sim/many/scenario.ts";

const SCENARIO: Scenario = {
  ...{ topology: "grid", nodes: 16, seed: 3, update: false, size: 8_192, baud: 115_200 },
  ...{ loss: 0, faults: false, layout: "ab" },
};

describe("many boards at rest", () => {
  it("heal each board that breaks, and say their status at most four times an hour otherwise", async () => {
    const { heals, isWell, violations, quietBeacons } = await runRest(SCENARIO, 12, 3);
    expect(violations).toEqual([]);
    expect([heals, isWell]).toEqual([3, true]);
    expect(quietBeacons.length).toBeGreaterThan(200);
    expect(Math.max(...quietBeacons)).toBeLessThanOrEqual(5);
    expect(Math.min(...quietBeacons)).toBeGreaterThanOrEqual(3);
    const mean = quietBeacons.reduce((sum, count) => sum + count, 0) / quietBeacons.length;
    expect(mean).toBeLessThanOrEqual(4);
  });
});

describe("many boards in distress at once", () => {
  it.each([
    ["nobody", false, 0],
    ["one board", true, 31],
  ] as const)("take little of their wires while %s can heal", async (_, hasRescuer, healed) => {
    const storm = { ...SCENARIO, topology: "random" } as const;
    const worstOf = async (nodes: number): Promise<number> => {
      const outcome = await runStorm({ ...storm, nodes }, 60_000, hasRescuer);
      expect(outcome.violations).toEqual([]);
      if (nodes === 32) expect(outcome.healed).toBe(healed);
      expect(outcome.shares.length).toBeGreaterThan(2 * (nodes - 1));
      return Math.max(...outcome.shares);
    };
    const [few, many] = [await worstOf(8), await worstOf(32)];
    expect(few).toBeGreaterThan(0.001);
    expect(many).toBeLessThan(0.1);
    // Each doubling adds the same at most, and little.
    expect(many - few).toBeLessThan(0.01);
  });
});
