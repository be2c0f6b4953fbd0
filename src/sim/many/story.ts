import type { Millis } from "../../base/units.ts";
import { percentile } from "./percentiles.ts";
import type { Topology } from "./topologies.ts";

/** An unbootable board was healed, or an older one updated. */
export type SpreadCause = "heal" | "update";

/** One board received an image from a neighbour. */
export interface Spread {
  readonly board: number;
  readonly by: number;
  /** When it was done, since the start of the run. */
  readonly at: Millis;
  readonly cause: SpreadCause;
  /** How long it took, handshake included. */
  readonly seconds: number;
}

/** What came of a run of many boards. */
export interface SpreadStory {
  readonly topology: Topology;
  readonly seed: number;
  /** Flags of the command and their values, in the order in which they are shown; not those of seed and topology. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly brokenAtStart: readonly number[];
  /** In any order. A board may be among them twice. */
  readonly spreads: readonly Spread[];
  readonly endedAt: Millis;
  readonly violations: readonly string[];
  /** One transfer between two boards alone, with the same options, handshake included. */
  readonly transferMs: Millis;
}

/** All spreads of one cause, added up. */
export interface SpreadFigures {
  /** Boards that were unbootable at some time, or for updates those without the new version at the start. */
  readonly needed: number;
  /** The last spread to each board, in order of time: from then on it was well. */
  readonly last: readonly Spread[];
  /** When the last board was done; 0 when none was. */
  readonly endedAt: Millis;
  /** Boards that handed an image on and needed none themselves. */
  readonly sources: readonly number[];
  /** Most boards that an image passed, one after the other, from a source on; the source is not counted. */
  readonly deepest: number;
}

/** Lines about single boards in {@link storyText}. */
const LINES_MAX = 40;

/** Adds up the spreads of one cause. */
export function figuresOf(story: SpreadStory, cause: SpreadCause): SpreadFigures {
  const spreads = story.spreads.filter((spread) => spread.cause === cause).sort(byTime);
  const reached = new Set(spreads.map(({ board }) => board));
  const broken = new Set(cause === "heal" ? [...story.brokenAtStart, ...reached] : reached);
  const sources = [...new Set(spreads.map(({ by }) => by))].filter((board) => !broken.has(board));
  const needed =
    cause === "heal" ? broken.size : reached.size === 0 ? 0 : story.topology.nodes - sources.length;
  const last = [...new Map(spreads.map((spread) => [spread.board, spread])).values()].sort(byTime);
  const depths = new Map<number, number>();
  for (const { board, by } of spreads) depths.set(board, (depths.get(by) ?? 0) + 1);
  const deepest = [...depths.values()].reduce((most, depth) => Math.max(most, depth), 0);
  return { needed, last, endedAt: last.at(-1)?.at ?? 0, sources, deepest };
}

/** One line, such as "31 boards, 30 of them unbootable, healed in 6.3 s by one neighbour". */
export function storyTitle(story: SpreadStory): string {
  const { nodes } = story.topology;
  const heal = figuresOf(story, "heal");
  const update = figuresOf(story, "update");
  const parts = [`${amount(nodes)} board${nodes === 1 ? "" : "s"}`];
  if (heal.needed > 0)
    parts.push(`${amount(heal.needed, "one")} of them unbootable`, outcome(heal, "healed"));
  if (update.needed > 0)
    parts.push(`${amount(update.needed, "one")} of them out of date`, outcome(update, "updated"));
  if (parts.length === 1) parts.push("none of them unbootable");
  return parts.join(", ");
}

/** The story for people: a summary, then a line for each board, the first 40 of them. Ends with a line feed. */
export function storyText(story: SpreadStory): string {
  const { topology, seed, violations } = story;
  const options = Object.entries(story.options).map(([name, value]) => `${name} ${value}`);
  const last = lastSpreads(story);
  const lines = [
    storyTitle(story),
    [`${topology.kind}, seed ${seed}`, ...options].join(", "),
    ...causeLines("healed", figuresOf(story, "heal"), story.transferMs),
    ...causeLines("updated", figuresOf(story, "update"), story.transferMs),
    violations.length === 0 ? "no rule was broken" : `rules broken: ${amount(violations.length)}`,
    ...shortened(violations, (violation) => `  ${violation}`),
    ...shortened(
      last,
      ({ at, board, by, cause }) =>
        `${`${seconds(at)} s`.padStart(10)}  board ${board} ${verbOf(cause)} by board ${by}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * The story as JSON lines, in order of time: for each board at most one event "healed" and one "updated", with `at` in
 * seconds, to the millisecond. A board that was healed twice has the line of its last time. Empty without spreads.
 */
export function storyEvents(story: SpreadStory): string {
  return lastSpreads(story)
    .map(({ board, by, at, cause }) => {
      const event = { event: verbOf(cause), board, by, at: Math.round(at) / 1000 };
      return `${JSON.stringify(event)}\n`;
    })
    .join("");
}

/** What a cause did to a board. */
export function verbOf(cause: SpreadCause): "healed" | "updated" {
  return cause === "heal" ? "healed" : "updated";
}

/** A whole number as people write it; 1 as `one`, when given. */
export function amount(value: number, one = "1"): string {
  return value === 1 ? one : value.toLocaleString("en-US");
}

/** The last spread of each cause to each board, in order of time. */
export function lastSpreads(story: SpreadStory): Spread[] {
  return [...figuresOf(story, "heal").last, ...figuresOf(story, "update").last].sort(byTime);
}

function byTime(a: Spread, b: Spread): number {
  return a.at - b.at || a.board - b.board;
}

function outcome({ needed, last, endedAt, sources }: SpreadFigures, verb: "healed" | "updated"): string {
  if (last.length === 0) return `none ${verb}`;
  const share = last.length < needed ? `${amount(last.length)} ${verb}` : verb;
  const by = sources.length === 1 ? "one neighbour" : `${amount(sources.length)} neighbours`;
  const took = `${share} in ${seconds(endedAt, endedAt < 1000 ? 2 : 1)} s`;
  return sources.length === 0 ? took : `${took} by ${by}`;
}

function causeLines(verb: "healed" | "updated", figures: SpreadFigures, transferMs: Millis): string[] {
  const { needed, last, endedAt, deepest } = figures;
  if (needed === 0) return [];
  if (last.length === 0) return [`${verb}: none of ${amount(needed)}`];
  const times = last.map(({ at }) => at);
  const durations = last.map((spread) => 1000 * spread.seconds);
  const ranks = (values: readonly Millis[]): string =>
    `${seconds(percentile(values, 50) ?? 0)} s (p50), ${seconds(percentile(values, 99) ?? 0)} s (p99)`;
  const transfers =
    transferMs > 0
      ? [`  that is ${(endedAt / transferMs).toFixed(2)} times one transfer, ${seconds(transferMs)} s`]
      : [];
  return [
    `${verb}: ${amount(last.length)} of ${amount(needed)}, after ${ranks(times)}, ${seconds(endedAt)} s (last)`,
    ...transfers,
    `  each took ${ranks(durations)}; deepest chain: ${amount(deepest)} board${deepest === 1 ? "" : "s"}`,
  ];
}

function shortened<T>(all: readonly T[], line: (item: T) => string): string[] {
  const shown = all.slice(0, LINES_MAX).map(line);
  return all.length <= LINES_MAX ? shown : [...shown, `... and ${amount(all.length - LINES_MAX)} more`];
}

/** A time in seconds as people write it, without the unit. */
export function seconds(ms: Millis, digits = 2): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (ms / 1000).toLocaleString("en-US", options);
}
