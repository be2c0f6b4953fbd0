import type { FleetRest, RegionalCut } from "./fleet-runs.ts";
import { SITE_BOARDS } from "./heal-times.ts";
import { type ImagePull, PULLED_IMAGE_SIZE, type PullWays } from "./image-pull.ts";
import type { BrokerPace } from "./sim-broker.ts";

/** A figure of a run and its limits. */
export interface FleetFigure {
  readonly what: string;
  readonly figure: number;
  readonly unit?: "ms" | "bytes" | undefined;
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** Whether a figure is within its limits. */
export function isWithin({ figure, least, most }: FleetFigure): boolean {
  // Written so that NaN is not.
  return (least === undefined || figure >= least) && (most === undefined || figure <= most);
}

const MINUTE = 60_000;
const DAY_S = 86_400;
const KEEP_ALIVE_S = 240;

/** The most that is to be seen in any of some thousand seconds, of what comes at random `mean` times a second. */
function peakOf(mean: number): number {
  return Math.ceil(mean + 6 * Math.sqrt(mean) + 3);
}

/** What a day at rest costs: a state a day, and pings. */
export function restFigures(sites: number, rest: FleetRest): readonly FleetFigure[] {
  const states = sites / DAY_S;
  const pings = sites / KEEP_ALIVE_S;
  const { owed, lost, doubled } = rest.collected;
  return [
    { what: "state messages a second, mean", figure: rest.states, least: 0.95 * states, most: 1.05 * states },
    { what: "state messages a second, peak", figure: rest.statesPeak, most: peakOf(states) },
    { what: "pings a second, mean", figure: rest.pings, least: 0.95 * pings, most: 1.01 * pings },
    { what: "pings a second, peak", figure: rest.pingsPeak, most: peakOf(pings) },
    { what: "messages a second, peak", figure: rest.messagesPeak, most: peakOf(states) + 3 },
    { what: "sites without a connection at the end", figure: rest.away, most: 0 },
    { what: "heals that were reported", figure: owed, least: Math.floor((0.008 * sites * rest.hours) / 24) },
    { what: "of these not collected", figure: lost, most: 0 },
    { what: "ids twice in a collector's file", figure: doubled, most: 0 },
  ];
}

/** `attempts`: to connect, in any second. `doneMs`: until all heals have to be collected. */
export interface CutLimits {
  readonly attempts?: number | undefined;
  /** At least so many, to show what jitter is for. */
  readonly attemptsLeast?: number | undefined;
  readonly connectedMs: number;
  readonly doneMs: number;
  readonly lagMs: number;
  readonly lostAfterAnswer?: number | undefined;
}

/** Limits of the runs with a power cut. */
export const CUT_LIMITS = {
  /** A tenth of the sites, and a tenth of them once more, within nine minutes; then heals take a quarter. */
  steady: (sites: number): CutLimits => ({
    attempts: peakOf((0.11 * sites) / 540),
    connectedMs: 18 * MINUTE,
    doneMs: 18 * MINUTE,
    lagMs: 3 * MINUTE,
  }),
  /** After an hour all windows have five minutes: their middle is the mean pause. */
  hourDown: (sites: number): CutLimits => ({
    attempts: peakOf(sites / 150),
    connectedMs: 12 * MINUTE,
    doneMs: 12 * MINUTE,
    lagMs: 75 * MINUTE,
  }),
  /** All come back within the first window, of half a minute. */
  restarted: (sites: number): CutLimits => ({
    attempts: peakOf(sites / 30),
    connectedMs: 12 * MINUTE,
    doneMs: 12 * MINUTE,
    lagMs: 12 * MINUTE,
    lostAfterAnswer: 1,
  }),
  /** The same, all at the same moment. */
  together: (sites: number): CutLimits => ({
    attemptsLeast: 0.85 * sites,
    connectedMs: 20 * MINUTE,
    doneMs: 20 * MINUTE,
    lagMs: 20 * MINUTE,
  }),
} as const;

/** What a power cut leads to. */
export function cutFigures(
  cut: RegionalCut,
  limits: CutLimits,
  { messagesPerSecond }: BrokerPace,
): readonly FleetFigure[] {
  const boards = cut.sitesCut * SITE_BOARDS;
  const { owed, lost, doubled, inSeveral } = cut.collected;
  const [median, p99, longest] = cut.lags;
  return [
    // A second power cut takes away what was healed within the time of an fsync.
    {
      what: "boards healed, on a disk of a site",
      figure: owed,
      least: Math.floor(0.999 * boards),
      most: boards,
    },
    { what: "of these not collected", figure: lost, most: 0 },
    { what: "ids twice in a collector's file", figure: doubled, most: 0 },
    { what: "ids in both files, counted once", figure: inSeveral },
    { what: "boards not healed, reports not acknowledged, at the end", figure: cut.left, most: 0 },
    { what: "reports collected, calls for help among them", figure: cut.reports, least: owed },
    { what: "messages that carried them", figure: cut.batches },
    {
      what: "batches that the broker answered and lost",
      figure: cut.lostAfterAnswer,
      least: limits.lostAfterAnswer,
    },
    { what: "reports a second into files, peak", figure: cut.reportsPeak },
    {
      what: "attempts to connect a second, peak",
      figure: cut.attemptsPeak,
      least: limits.attemptsLeast,
      most: limits.attempts,
    },
    { what: "connections a second, peak", figure: cut.connectsPeak },
    { what: "attempts given up after 30 s", figure: cut.timeouts },
    { what: "messages sent a second, peak", figure: cut.offeredPeak },
    {
      what: "messages that the broker managed a second, peak",
      figure: cut.messagesPeak,
      most: messagesPerSecond + 1,
    },
    { what: "until all sites were connected", figure: cut.connectedMs, unit: "ms", most: limits.connectedMs },
    { what: "until all heals were collected", figure: cut.doneMs, unit: "ms", most: limits.doneMs },
    { what: "heal, from the site's disk to a collector's: median", figure: median, unit: "ms" },
    { what: "the same, 99 %", figure: p99, unit: "ms" },
    { what: "the same, longest", figure: longest, unit: "ms", most: limits.lagMs },
    { what: "state messages a second a day later, peak", figure: cut.statesPeakNextDay },
  ];
}

/** What an image costs a CDN, or a server. With jitter few ask at the same time; without it all do. */
export function pullFigures(
  { sites, pollMs, poll, requestsPerSecond }: PullWays,
  pull: ImagePull,
): readonly FleetFigure[] {
  const isCdn = !Number.isFinite(requestsPerSecond);
  const looks = sites / (pollMs / 1000);
  const hasJitter = poll === "jitter";
  const bytes = sites * PULLED_IMAGE_SIZE;
  // A pull is three requests in a row, and takes two seconds at 0.7 MB/s.
  const requestsPeak = Math.ceil(3 * looks + 18 * Math.sqrt(looks) + 3);
  const bytesPeak = bytes / (pollMs / 1000) + 6 * Math.sqrt(2 * looks + 1) * 700_000;
  return [
    { what: "sites with the image", figure: pull.pulled, least: sites },
    { what: "bytes", figure: pull.bytes, unit: "bytes", least: bytes, most: 1.02 * bytes },
    {
      what: "bytes a second, peak",
      figure: pull.bytesPeak,
      unit: "bytes",
      most: hasJitter ? bytesPeak : undefined,
    },
    { what: "requests", figure: pull.requests, least: 3 * sites },
    {
      what: "requests a second, peak",
      figure: pull.requestsPeak,
      ...(hasJitter ? { most: requestsPeak } : { least: sites }),
    },
    {
      what: "requests a second without news, peak",
      figure: pull.idlePeak,
      ...(hasJitter && { most: peakOf(looks) }),
    },
    {
      what: "requests answered with 503",
      figure: pull.refused,
      ...(isCdn ? { most: 0 } : hasJitter ? { most: Math.ceil(0.01 * pull.requests) } : {}),
    },
    { what: "until half of the sites had it", figure: pull.halfMs, unit: "ms" },
    { what: "until all had it", figure: pull.lastMs, unit: "ms", most: 1.2 * pollMs },
  ];
}
