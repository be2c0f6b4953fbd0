import { randomBelow, SeededRandom } from "../../../src/base/prng.ts";

/** What starts: each command that opens a line. `node-called`: a node whose own board does not boot. */
export const STARTERS = ["rescue", "node", "status", "dispatch", "distress", "node-called"] as const;
export type Starter = (typeof STARTERS)[number];

/** Who reads the line. */
export const CONSOLES = ["bash", "getty", "u-boot"] as const;
export type ConsoleKind = (typeof CONSOLES)[number];

/**
 * When the command starts: before the console does, while it prints and counts down, when it waits for input, or in a
 * session which the other board's reset ends, and after which the console is there.
 */
export const MOMENTS = ["before", "printing", "at-rest", "in-session"] as const;
export type Moment = (typeof MOMENTS)[number];

/** One start. */
export interface Start {
  readonly seed: number;
  readonly starter: Starter;
  readonly console: ConsoleKind;
  readonly moment: Moment;
  readonly baud: number;
  /** From the first of the two to the second; `in-session`: from the offer to the reset. */
  readonly delayMs: number;
  /** From the reset to the first byte of what is there then. */
  readonly resetMs: number;
  /** How long the console is watched, from when both are there. */
  readonly watchMs: number;
}

const BAUDS = [9_600, 57_600, 115_200, 230_400, 921_600] as const;
const WATCH_MS = 10_000;
/** One in ten is watched for a minute. */
const LONG_WATCH_MS = 60_000;
const LONG_EVERY = 10;
/** One in so many is a board in distress, which has to speak first. */
const CALLS_EVERY = 6;
/** Names stand in here as often as they are to be drawn. */
const CALLERS: readonly Starter[] = ["distress", "distress", "node-called"];
const OTHERS: readonly Starter[] = [
  "rescue",
  "rescue",
  "rescue",
  "node",
  "node",
  "status",
  "status",
  "dispatch",
];
/** U-Boot's countdown takes 2 s. */
const DELAY_MAX_MS: Readonly<Record<Moment, number>> = {
  before: 3_000,
  printing: 2_200,
  "at-rest": 6_000,
  "in-session": 2_500,
};

/** A board is silent for a second when it is reset, at least: before that a rescuer cannot know (PROTOCOL.md 2.4). */
const RESET_MIN_MS = 1_500;
/** ... and for the time that the longest frame takes, and what is on its way, on a slow line. */
const SLOW_MS = 1_000;
/** A transfer of a session's 40,000 bytes is not over after so much of the time that they take, in milliseconds at 1 baud. */
const UNDER_WAY_MS = 0.6 * 40_000 * 10_000;

/** Whether it is a board in distress. */
export function callsForHelp(starter: Starter): boolean {
  return CALLERS.includes(starter);
}

/** A start, drawn from its seed alone. */
export function startOf(seed: number): Start {
  const random = new SeededRandom(seed);
  const pick = <Kind>(list: readonly Kind[]): Kind => list[randomBelow(random, list.length)] as Kind;
  const starter = pick(seed % CALLS_EVERY === 0 ? CALLERS : OTHERS);
  const kind = pick(CONSOLES);
  // Who only asks is in no session.
  const hasSessions = starter !== "status" && starter !== "dispatch";
  const moment = pick(hasSessions ? MOMENTS : MOMENTS.filter((one) => one !== "in-session"));
  const baud = pick(BAUDS);
  // A target that is healed ends.
  const isEnding = moment === "in-session" && callsForHelp(starter);
  const delayMaxMs = Math.min(
    DELAY_MAX_MS[moment],
    isEnding ? UNDER_WAY_MS / baud : Number.POSITIVE_INFINITY,
  );
  return {
    seed,
    starter,
    console: kind,
    moment,
    baud,
    delayMs: randomBelow(random, Math.floor(delayMaxMs)),
    resetMs: RESET_MIN_MS + (baud < 57_600 ? SLOW_MS : 0) + randomBelow(random, 2_500),
    watchMs: seed % LONG_EVERY === 0 ? LONG_WATCH_MS : WATCH_MS,
  };
}

/** The first seeds whose starts show each command, console and moment together, and watch for `watchMs`. */
export function sampleStarts(watchMs: number): Start[] {
  const missing = new Set<string>([...STARTERS, ...CONSOLES, ...MOMENTS]);
  const starts: Start[] = [];
  for (let seed = 1; missing.size > 0; seed++) {
    const start = startOf(seed);
    const kinds = [start.starter, start.console, start.moment].filter((kind) => missing.has(kind));
    if (kinds.length === 0) continue;
    for (const kind of kinds) missing.delete(kind);
    starts.push({ ...start, watchMs });
  }
  return starts;
}
