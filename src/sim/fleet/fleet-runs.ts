import { randomBelow, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";
import { percentile } from "../many/percentiles.ts";
import { type Collected, type FleetOptions, FleetWorld } from "./fleet-world.ts";
import { SITE_BOARDS } from "./heal-times.ts";

const MINUTE_MS: Millis = 60_000;
const HOUR_MS: Millis = 3_600_000;
const DAY_MS: Millis = 86_400_000;

type Sizes = Pick<FleetOptions, "sites" | "seed" | "healTimes" | "pace">;

/** A day of a fleet at rest. */
export interface FleetRest {
  readonly hours: number;
  /** Messages a second on average, and the most in one second. */
  readonly states: number;
  readonly statesPeak: number;
  readonly pings: number;
  readonly pingsPeak: number;
  readonly messagesPeak: number;
  /** Sites that were not connected at the end. */
  readonly away: number;
  readonly collected: Collected;
}

/** Share of all boards that break in a day at rest. */
const BREAKING = 0.001;

/**
 * Sites that were started over a whole day, then `hours` in which one board of a thousand breaks and is healed each
 * day.
 */
export function runFleetRest(sizes: Sizes, hours: number): FleetRest {
  const world = new FleetWorld({ ...sizes, collectors: 1, pings: true });
  const { clock, broker, random, sites } = world;
  world.startAll(DAY_MS - HOUR_MS);
  clock.advanceTo(DAY_MS);
  const breaks = Math.round((BREAKING * SITE_BOARDS * sites.length * hours) / 24);
  for (let i = 0; i < breaks; i++) {
    const site = sites[randomBelow(random, sites.length)];
    const board = randomBelow(random, SITE_BOARDS);
    const afterMs = world.drawHeals()[0]?.afterMs ?? 0;
    clock.after(randomFraction(random) * (hours * HOUR_MS - MINUTE_MS), () =>
      site?.breakBoard({ board, afterMs }),
    );
  }
  const from = DAY_MS;
  const to = DAY_MS + hours * HOUR_MS;
  clock.advanceTo(to);
  const seconds = (to - from) / 1000;
  const { states, pings, messages } = broker.counts;
  return {
    hours,
    states: states.sum(from, to) / seconds,
    statesPeak: states.peak(from, to),
    pings: pings.sum(from, to) / seconds,
    pingsPeak: pings.peak(from, to),
    messagesPeak: messages.peak(from, to),
    away: sites.length - world.connected,
    collected: world.collected(),
  };
}

/** What happens to the broker meanwhile. */
export interface BrokerFate {
  /** When it is killed, from the power cut on; undefined: it is not. */
  readonly killedAtMs?: Millis | undefined;
  readonly downMs?: Millis | undefined;
  readonly withoutJitter?: boolean | undefined;
  /** So many of the two collectors are killed at this time, from the power cut on. */
  readonly collectorsKilled: number;
  readonly collectorsKilledAtMs: Millis;
}

/** What came of a power cut. Times from when the broker is back, or else from the power cut on. */
export interface RegionalCut {
  readonly sitesCut: number;
  readonly collected: Collected;
  /** Reports in files of collectors, each id once. */
  readonly reports: number;
  /** Messages that carried them, those that were sent again among them, and their bytes and everybody's others. */
  readonly batches: number;
  readonly bytes: number;
  /** The most in one second, from the same moment on as times. */
  readonly reportsPeak: number;
  /** Attempts to connect, and those that the broker took. */
  readonly attemptsPeak: number;
  readonly connectsPeak: number;
  /** Messages that were sent, and that the broker managed. */
  readonly offeredPeak: number;
  readonly messagesPeak: number;
  /** Attempts that were given up before their turn. */
  readonly timeouts: number;
  /** Batches that the broker answered and then lost. */
  readonly lostAfterAnswer: number;
  /** How long a heal's report took from the site's disk to a collector's: median, 99 %, most. */
  readonly lags: readonly [Millis, Millis, Millis];
  /** Until all sites were connected, and all reports in. */
  readonly connectedMs: Millis;
  readonly doneMs: Millis;
  /** Boards that were not healed, and reports that were still in outboxes, at the end. */
  readonly left: number;
  /** Most states in a second a day later, when all are sent again. */
  readonly statesPeakNextDay: number;
}

/** Share of the sites that lose mains, ... */
const CUT_SHARE = 0.1;
/** ... and of these the share that loses them once more, for a minute, within five of its start. */
const AGAIN_SHARE = 0.1;
const BACK_MIN_MS: Millis = MINUTE_MS;
const BACK_MAX_MS: Millis = 10 * MINUTE_MS;
/** A node's computer starts. */
const BOOT_MS: Millis = 30_000;
const COLLECTOR_DOWN_MS: Millis = 30_000;
/** When the power fails: all sites are connected by then. */
const CUT_AT: Millis = 30 * MINUTE_MS;
/** The run has failed when it takes longer after that, and the broker's time of being away. */
const LIMIT_MS: Millis = 2 * HOUR_MS;

/** A tenth of the sites lose mains, come back within ten minutes, and all of their boards have to be healed. */
export function runRegionalCut(sizes: Sizes, fate: BrokerFate): RegionalCut {
  const { withoutJitter, killedAtMs, downMs = 0 } = fate;
  const world = new FleetWorld({ ...sizes, collectors: 2, withoutJitter });
  const { clock, broker } = world;
  world.startAll(CUT_AT - 10 * MINUTE_MS);
  clock.advanceTo(CUT_AT);
  const cut = Math.round(CUT_SHARE * sizes.sites);
  for (let i = 0; i < cut; i++) cutSite(world, i);
  if (killedAtMs !== undefined) clock.after(killedAtMs, () => broker.kill(downMs));
  clock.after(fate.collectorsKilledAtMs, () => {
    for (const one of world.collectors.slice(0, fate.collectorsKilled)) one.kill(COLLECTOR_DOWN_MS);
  });
  const from = CUT_AT + (killedAtMs === undefined ? 0 : killedAtMs + downMs);
  const limit = from + LIMIT_MS;
  // Nobody is waited for who has not even started.
  clock.advanceTo(Math.max(from, CUT_AT + BACK_MAX_MS + BOOT_MS) + 1000);
  let connectedAt: Millis | undefined;
  while (clock.now() < limit) {
    if (connectedAt === undefined && world.connected === sizes.sites) connectedAt = clock.now();
    if (connectedAt !== undefined && world.broken === 0 && world.waiting === 0) break;
    clock.advanceTo(clock.now() + 1000);
  }
  const left = world.waiting + world.broken;
  const { counts } = broker;
  const end = clock.now();
  const nextDay = connectedAt === undefined ? 0 : statesNextDay(world, from);
  return {
    sitesCut: cut,
    collected: world.collected(),
    reports: world.reports.total,
    batches: counts.batches.sum(CUT_AT, end),
    bytes: counts.bytes,
    reportsPeak: world.reports.peak(from),
    attemptsPeak: counts.attempts.peak(from, end),
    connectsPeak: counts.connects.peak(from, end),
    timeouts: counts.timeouts,
    offeredPeak: counts.offered.peak(from, end),
    messagesPeak: counts.messages.peak(from, end),
    lostAfterAnswer: counts.lostAfterAnswer,
    lags: [50, 99, 100].map((share) => percentile(world.lags, share) ?? 0) as [Millis, Millis, Millis],
    connectedMs: (connectedAt ?? Number.POSITIVE_INFINITY) - from,
    doneMs: left > 0 ? Number.POSITIVE_INFINITY : world.lastHealAt - from,
    left,
    statesPeakNextDay: nextDay,
  };
}

function cutSite(world: FleetWorld, index: number): void {
  const { clock, random } = world;
  const site = world.sites[index];
  if (site === undefined) return;
  site.cutPower(world.drawHeals());
  const backMs = BACK_MIN_MS + randomFraction(random) * (BACK_MAX_MS - BACK_MIN_MS);
  clock.after(backMs + BOOT_MS, () => site.start());
  if (randomFraction(random) >= AGAIN_SHARE) return;
  const againMs = backMs + BOOT_MS + randomFraction(random) * 5 * MINUTE_MS;
  clock.after(againMs, () => site.cutPower(site.broken));
  clock.after(againMs + MINUTE_MS + BOOT_MS, () => site.start());
}

function statesNextDay(world: FleetWorld, from: Millis): number {
  const { clock, broker } = world;
  const start = Math.max(clock.now(), from + DAY_MS - HOUR_MS);
  clock.advanceTo(start + 3 * HOUR_MS);
  return broker.counts.states.peak(start, clock.now());
}
