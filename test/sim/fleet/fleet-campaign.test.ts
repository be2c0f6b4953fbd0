import { describe, expect, it } from "vitest";
import {
  CUT_LIMITS,
  cutFigures,
  type FleetFigure,
  isWithin,
  pullFigures,
} from "../../../src/sim/fleet/fleet-bounds.ts";
import { type FleetRun, runFleetCampaign } from "../../../src/sim/fleet/fleet-campaign.ts";
import { runRegionalCut } from "../../../src/sim/fleet/fleet-runs.ts";
import { runImagePull } from "../../../src/sim/fleet/image-pull.ts";
import { type BrokerPace, MEASURED_PACE } from "../../../src/sim/fleet/sim-broker.ts";

const SITES = 500;
/** As much slower as the fleet is smaller than 50,000 sites, so that a storm is one. */
const PACE: BrokerPace = {
  messagesPerSecond: MEASURED_PACE.messagesPerSecond / 100,
  connectsPerSecond: MEASURED_PACE.connectsPerSecond / 100,
  latencyMs: MEASURED_PACE.latencyMs,
};
const HEAL_TIMES = [[6_000, 7_000, 8_000, 9_000, 10_000, 11_000, 12_000, 13_000]];

async function campaign(seed: number, hours: number): Promise<FleetRun[]> {
  const runs: FleetRun[] = [];
  for await (const run of runFleetCampaign({ sites: SITES, seed, hours, worlds: 3, pace: PACE }))
    runs.push(run);
  return runs;
}

/** Figures that are not within their limits. */
function beyond(figures: readonly FleetFigure[]): string[] {
  return figures.flatMap((one) => (isWithin(one) ? [] : [one.what]));
}

describe(`${SITES} sites with eight boards`, () => {
  it("stay within the limits of each run, with two seeds", { timeout: 120_000 }, async () => {
    for (const seed of [1, 2]) {
      const runs = await campaign(seed, 6);
      expect(runs).toHaveLength(9);
      for (const { title, figures } of runs) expect(beyond(figures), `seed ${seed}: ${title}`).toEqual([]);
    }
  });

  it("give the same figures again from the same seed, and others from another", {
    timeout: 120_000,
  }, async () => {
    const [first, again, other] = [await campaign(7, 1), await campaign(7, 1), await campaign(8, 1)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it("all come back in the same second without jitter, which the limits notice", () => {
    const sizes = { sites: SITES, seed: 1, healTimes: HEAL_TIMES, pace: PACE };
    const fate = { killedAtMs: 360_000, downMs: 5_000, collectorsKilled: 2, collectorsKilledAtMs: 340_000 };
    const limits = CUT_LIMITS.restarted(SITES);
    expect(beyond(cutFigures(runRegionalCut(sizes, fate), limits, PACE))).toEqual([]);
    const together = runRegionalCut(sizes, { ...fate, withoutJitter: true });
    expect(beyond(cutFigures(together, limits, PACE))).toContain("attempts to connect a second, peak");
  });

  it("all ask a server at the same time without jitter of the poll, which the limits notice", () => {
    const ways = { sites: SITES, seed: 1, pollMs: 3_600_000, requestsPerSecond: 5 } as const;
    const together = runImagePull({ ...ways, poll: "clock" });
    expect(beyond(pullFigures({ ...ways, poll: "jitter" }, together))).toEqual([
      "requests a second, peak",
      "requests a second without news, peak",
      "requests answered with 503",
    ]);
  });
});
