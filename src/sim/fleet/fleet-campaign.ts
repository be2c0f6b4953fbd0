import type { Millis } from "../../base/units.ts";
import {
  CUT_LIMITS,
  type CutLimits,
  cutFigures,
  type FleetFigure,
  pullFigures,
  restFigures,
} from "./fleet-bounds.ts";
import { type BrokerFate, runFleetRest, runRegionalCut } from "./fleet-runs.ts";
import { measureHealTimes } from "./heal-times.ts";
import { type PullWays, runImagePull } from "./image-pull.ts";
import { type BrokerPace, MEASURED_PACE } from "./sim-broker.ts";

/** What came of a run. */
export interface FleetRun {
  readonly title: string;
  readonly figures: readonly FleetFigure[];
}

export interface FleetCampaignOptions {
  readonly sites: number;
  readonly seed: number;
  /** Hours at rest. */
  readonly hours: number;
  /** Runs of the simulator of many boards that heal times are drawn from. */
  readonly worlds: number;
  /** Of the broker; the measured one unless given. */
  readonly pace?: BrokerPace | undefined;
}

const MINUTE_MS: Millis = 60_000;
const HOUR_MS: Millis = 3_600_000;

/** When all else is steady one of two collectors dies; */
const STEADY: BrokerFate = { collectorsKilled: 1, collectorsKilledAtMs: 5 * MINUTE_MS };
/** the broker is away with the power, and a collector dies when all come back; */
const HOUR_DOWN: BrokerFate = {
  killedAtMs: 0,
  downMs: HOUR_MS,
  collectorsKilled: 1,
  collectorsKilledAtMs: HOUR_MS + MINUTE_MS,
};
/** both collectors are away when the broker dies, so that it loses what it answered. */
const RESTARTED: BrokerFate = {
  killedAtMs: 6 * MINUTE_MS,
  downMs: 5_000,
  collectorsKilled: 2,
  collectorsKilledAtMs: 6 * MINUTE_MS - 20_000,
};

const CUTS: readonly {
  readonly title: string;
  readonly fate: BrokerFate;
  readonly limits: (sites: number) => CutLimits;
}[] = [
  { title: "A regional power cut", fate: STEADY, limits: CUT_LIMITS.steady },
  {
    title: "A regional power cut, the broker down for an hour from then on",
    fate: HOUR_DOWN,
    limits: CUT_LIMITS.hourDown,
  },
  {
    title: "A regional power cut, and the broker restarts while boards are healed",
    fate: RESTARTED,
    limits: CUT_LIMITS.restarted,
  },
  {
    title: "The same, if sites connected again without jitter",
    fate: { ...RESTARTED, withoutJitter: true },
    limits: CUT_LIMITS.together,
  },
];

/** All runs, one after another: each is there before the next one begins. */
export async function* runFleetCampaign({
  sites,
  seed,
  hours,
  worlds,
  pace = MEASURED_PACE,
}: FleetCampaignOptions): AsyncGenerator<FleetRun> {
  const healTimes = await measureHealTimes(seed, worlds);
  const sizes = { sites, seed, healTimes, pace };
  yield { title: `At rest, ${hours} hours`, figures: restFigures(sites, runFleetRest(sizes, hours)) };
  for (const { title, fate, limits } of CUTS)
    yield { title, figures: cutFigures(runRegionalCut(sizes, fate), limits(sites), pace) };
  for (const { title, ways } of pulls(sites, seed))
    yield { title, figures: pullFigures(ways, runImagePull(ways)) };
}

function pulls(sites: number, seed: number): { readonly title: string; readonly ways: PullWays }[] {
  const cdn = { sites, seed, pollMs: HOUR_MS, requestsPerSecond: Number.POSITIVE_INFINITY };
  const server = { ...cdn, requestsPerSecond: Math.max(1, Math.round(sites / 100)) };
  const answers = `a server that answers ${server.requestsPerSecond} requests a second`;
  return [
    { title: "1 MiB from a CDN, hourly with jitter", ways: { ...cdn, poll: "jitter" } },
    { title: "1 MiB from a CDN, at each full hour", ways: { ...cdn, poll: "clock" } },
    { title: `1 MiB from ${answers}, hourly with jitter`, ways: { ...server, poll: "jitter" } },
    { title: `1 MiB from ${answers}, at each full hour`, ways: { ...server, poll: "clock" } },
  ];
}
