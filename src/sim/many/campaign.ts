import { randomBelow } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { LookedAt } from "./checkers.ts";
import { EventDigest } from "./event-digest.ts";
import { type FaultCounts, NO_FAULTS, RandomFaults } from "./faults.ts";
import { replayLine, type Scenario, worldOf } from "./scenario.ts";
import { TOPOLOGY_KINDS } from "./topologies.ts";
import { partRandom } from "./world.ts";

/** After its last fault a world has to be well within this time: an ask that failed is repeated after 1, 2 and 4 minutes. */
const LIVE_WITHIN_MS: Millis = 600_000;
const LAYOUTS = ["ab", "single"] as const;
/** Scenarios that differ in more than chance. */
export const KINDS: number = TOPOLOGY_KINDS.length * LAYOUTS.length * 2;

/** What came of one seed. */
export interface SeedOutcome {
  readonly seed: number;
  /** Rules that were broken, and boards that were not well in time. */
  readonly violations: readonly string[];
  /** The command that gives it again. */
  readonly replay: string;
  readonly digest: string;
  readonly events: number;
  /** Virtual time until all were well and the faults were over. */
  readonly endedAt: Millis;
  readonly spreads: number;
  readonly lookedAt: LookedAt;
  readonly faults: FaultCounts;
}

/** The scenario of a seed: {@link KINDS} seeds in a row are all topologies, both layouts, healing and updating. */
export function campaignScenario(seed: number): Scenario {
  const kinds = TOPOLOGY_KINDS.length;
  const random = partRandom(seed, 5);
  const update = Math.floor(seed / (kinds * LAYOUTS.length)) % 2 === 1;
  return {
    topology: TOPOLOGY_KINDS[seed % kinds] ?? "line",
    layout: LAYOUTS[Math.floor(seed / kinds) % LAYOUTS.length] ?? "ab",
    update,
    ...(update && randomBelow(random, 2) === 0 ? { broken: 0.2 } : {}),
    loss: [0, 0, 0.02, 0.05][randomBelow(random, 4)] ?? 0,
    // Of two blocks, or of eight: those are received and handed on at the same time for longer.
    size: randomBelow(random, 6) === 0 ? 32_768 : 8_192,
    ...{ nodes: 16, seed, baud: 921_600, faults: true },
  };
}

/** Runs one seed, with faults. */
export async function runSeed(seed: number): Promise<SeedOutcome> {
  const scenario = campaignScenario(seed);
  const digest = new EventDigest();
  let faults: RandomFaults | undefined;
  const world = worldOf(scenario, {
    faults: (made) => {
      faults = new RandomFaults(made);
      return faults;
    },
    onEvent: (board, event) => digest.add(world.clock.now(), board, event),
  });
  const isWell = await world.run(LIVE_WITHIN_MS);
  const { checkers, behind, clock, spreads } = world;
  const unused = checkers.unused().filter((name) => isWell || name !== "ends");
  return {
    seed,
    violations: [
      ...checkers.violations,
      ...(isWell ? [] : [`not well after ${LIVE_WITHIN_MS / 1000} s: boards ${behind.join(", ")}`]),
      ...unused.map((name) => `the check of ${name} never looked at anything`),
    ],
    replay: replayLine(scenario),
    digest: digest.toString(),
    events: digest.events,
    endedAt: clock.now(),
    spreads: spreads.length,
    lookedAt: checkers.lookedAt,
    faults: faults?.counts ?? NO_FAULTS,
  };
}
