import { randomBelow } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import type { LookedAt } from "./checkers.ts";
import { EventDigest } from "./event-digest.ts";
import { type FaultCounts, NO_FAULTS, RandomFaults } from "./faults.ts";
import type { GateLooks } from "./gate-checks.ts";
import { replayLine, type Scenario, worldOf } from "./scenario.ts";
import { TOPOLOGY_KINDS } from "./topologies.ts";
import { partRandom } from "./world.ts";

/** After its last fault a world has to be well within this time: an ask that failed is repeated after 1, 2 and 4 minutes. */
const LIVE_WITHIN_MS: Millis = 600_000;
/**
 * The same with staged updates: soak times add up, and a good image whose trials were cut short by power-offs is suspect, for a day
 * where that is proven.
 */
const STAGED_WITHIN_MS: Millis = 2 * 86_400_000;
const SOAKS_MS = [0, 2_000, 5_000] as const;
const RING_TIMES_MS = [0, 5_000, 20_000] as const;
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
  readonly gates: GateLooks;
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

/** The same with an update that is staged, in one world of two over links with a key. */
export function stagedScenario(seed: number): Scenario {
  const random = partRandom(seed, 8);
  const pick = (from: readonly Millis[]): Millis => from[randomBelow(random, from.length)] ?? 0;
  return {
    ...campaignScenario(seed),
    update: true,
    gates: {
      rings: 1 + randomBelow(random, 4),
      soakMs: pick(SOAKS_MS),
      ringTimeMs: pick(RING_TIMES_MS),
      areOff: false,
    },
    ...(randomBelow(random, 2) === 0 ? { linkKeys: true } : {}),
  };
}

/** Runs one seed, with faults. `isStaged`: with an update that is staged. */
export async function runSeed(seed: number, isStaged = false): Promise<SeedOutcome> {
  const scenario = isStaged ? stagedScenario(seed) : campaignScenario(seed);
  const liveWithinMs = isStaged ? STAGED_WITHIN_MS : LIVE_WITHIN_MS;
  const digest = new EventDigest();
  let faults: RandomFaults | undefined;
  const world = worldOf(scenario, {
    faults: (made) => {
      faults = new RandomFaults(made);
      return faults;
    },
    onEvent: (board, event) => digest.add(world.clock.now(), board, event),
  });
  const isWell = await world.run(liveWithinMs);
  const { checkers, behind, clock, spreads } = world;
  const unused = checkers.unused().filter((name) => isWell || name !== "ends");
  return {
    seed,
    violations: [
      ...checkers.violations,
      ...(isWell ? [] : [`not well after ${liveWithinMs / 1000} s: boards ${behind.join(", ")}`]),
      ...unused.map((name) => `the check of ${name} never looked at anything`),
    ],
    replay: replayLine(scenario),
    digest: digest.toString(),
    events: digest.events,
    endedAt: clock.now(),
    spreads: spreads.length,
    lookedAt: checkers.lookedAt,
    gates: checkers.gates.looks,
    faults: faults?.counts ?? NO_FAULTS,
  };
}
