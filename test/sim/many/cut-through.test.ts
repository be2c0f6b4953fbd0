import { describe, expect, it } from "vitest";
import type { Millis } from "../../../src/base/units.ts";
import { limitOf, runScenario, type Scenario, worldOf } from "../../../src/sim/many/scenario.ts";
import type { World } from "../../../src/sim/many/world.ts";

const LINE: Scenario = {
  ...{ topology: "line", nodes: 8, seed: 1, update: false, size: 1_048_576, baud: 921_600 },
  ...{ loss: 0, faults: false, layout: "ab" },
};
/** 64 blocks, over three boards: the one in the middle is the relay. */
const RELAY: Scenario = { ...LINE, nodes: 3, size: 262_144 };
const BLOCKS = 64;
/** What may be sent again after a kill: the open blocks, once more the window, and calls and questions of some seconds. */
const AGAIN_BYTES_MAX = 2 * 65_536;

async function transfersOf(scenario: Scenario): Promise<number> {
  const { story, isWell } = await runScenario(scenario);
  expect([isWell, story.violations]).toEqual([true, []]);
  return (story.spreads.at(-1)?.at ?? 0) / story.transferMs;
}

/** Calls `act` right after the relay has written so many blocks. */
function afterBlocks(world: World, count: number, act: () => void): void {
  const store = world.boards[1]?.store;
  if (store === undefined) throw new Error("the relay is off");
  const writeBlock = store.writeBlock.bind(store);
  let written = 0;
  store.writeBlock = (index, bytes) => {
    const outcome = writeBlock(index, bytes);
    if (++written === count) world.clock.after(0, act);
    return outcome;
  };
}

interface Killed {
  readonly isWell: boolean;
  readonly violations: readonly string[];
  readonly bytesSent: number;
}

/** A line of three, of which a board loses its power after so many blocks, for so long. */
async function killed(scenario: Scenario, victim: number, blocks: number, forMs: Millis): Promise<Killed> {
  const world = worldOf(scenario);
  const run = world.run(limitOf(scenario));
  let isKilled = false;
  afterBlocks(world, blocks, () => {
    isKilled = true;
    world.powerOff(victim);
    world.clock.after(forMs, () => world.boards[victim]?.powerOn());
  });
  const isWell = await run;
  expect(isKilled, `the relay wrote ${blocks} blocks`).toBe(true);
  return {
    isWell,
    violations: world.checkers.violations,
    bytesSent: world.boards.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
  };
}

describe("boards that hand on what they receive", () => {
  it("are healed along a line of 8 in at most 1.15 transfers, where store and forward takes 7", async () => {
    expect(await transfersOf(LINE)).toBeLessThanOrEqual(1.15);
    const small: Scenario = { ...LINE, size: 65_536, storeAndForward: true };
    expect(await transfersOf(small)).toBeGreaterThan(6.5);
  });

  it.each(["ring", "grid", "tree"] as const)(
    "are healed in a %s in at most 1.15 transfers",
    async (topology) => {
      expect(await transfersOf({ ...LINE, topology, nodes: 9, size: 524_288 })).toBeLessThanOrEqual(1.15);
    },
  );

  it("are healed in at most 1.5 transfers where one frame in twenty is lost", async () => {
    for (const seed of [1, 2, 3])
      expect(
        await transfersOf({ ...LINE, seed, loss: 0.05, size: 524_288 }),
        `seed ${seed}`,
      ).toBeLessThanOrEqual(1.5);
  });

  it.each([
    [0, "the source of a relay"],
    [1, "a relay"],
  ])("end well when board %i, %s, loses its power at any block, with little sent again", async (victim) => {
    const { bytesSent: undisturbed } = await runScenario(RELAY);
    for (let blocks = 1; blocks <= BLOCKS; blocks++) {
      const { isWell, violations, bytesSent } = await killed(RELAY, victim, blocks, 2_000);
      expect([isWell, violations], `block ${blocks}`).toEqual([true, []]);
      expect(bytesSent - undisturbed, `block ${blocks}`).toBeLessThanOrEqual(AGAIN_BYTES_MAX);
    }
  });
});
