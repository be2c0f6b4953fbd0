import type { Millis } from "../src/base/units.ts";
import { type Profile, profileOf } from "./profiles.ts";
import { type RunResult, SupervisedRescue } from "./supervised-rescue.ts";

/** A transfer over a bad line that has not ended by then in virtual time hangs. */
export const SURVIVAL_LIMIT_MS: Millis = 600_000;

/** One lossy transfer. */
export interface SurvivalCase {
  readonly profile: Profile;
  readonly seed: number;
}

/** All transfers over one kind of line, added up. */
export interface SurvivalRow {
  readonly profile: string;
  readonly runs: number;
  /** Runs that ended with both sides knowing and exactly the image in flash. */
  readonly exact: number;
  /** Virtual time from power-up to the end, in seconds. */
  readonly median: number;
  readonly p95: number;
  readonly slowest: number;
  /** Bytes on the wire, both ways, for one byte of the image. */
  readonly wirePerByte: number;
  readonly failed: readonly { readonly id: string; readonly failure: string }[];
}

/** The case's name, which `npm run lab -- --case` runs again. */
export function survivalCaseId({ profile, seed }: SurvivalCase): string {
  return `survive:${profile.name}:${seed}`;
}

/** Undoes {@link survivalCaseId}; undefined for any other text. */
export function parseSurvivalCase(text: string): SurvivalCase | undefined {
  const [, name = "", seed] = /^survive:([a-z0-9.]+):(\d{1,10})$/.exec(text) ?? [];
  const profile = profileOf(name);
  return profile && { profile, seed: Number(seed) };
}

/** The transfer of a case, not begun yet. */
export function prepareSurvival({ profile, seed }: SurvivalCase): SupervisedRescue {
  const { hook } = profile;
  return hook === undefined
    ? new SupervisedRescue(profile.options(seed))
    : new SupervisedRescue(profile.options(seed), () => hook(seed));
}

/** Runs a case; the same case gives the same run. */
export function runSurvival(survival: SurvivalCase): RunResult {
  return prepareSurvival(survival).run(SURVIVAL_LIMIT_MS);
}

/** Adds up the results of one profile. */
export function survivalRow(profile: string, results: readonly (SurvivalCase & RunResult)[]): SurvivalRow {
  const seconds = results.map(({ ms }) => ms / 1000).sort((a, b) => a - b);
  const at = (share: number): number =>
    seconds[Math.min(seconds.length - 1, Math.floor(share * seconds.length))] ?? 0;
  const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
  const image = results.reduce((sum, { profile: { options }, seed }) => sum + (options(seed).size ?? 0), 0);
  return {
    profile,
    runs: results.length,
    exact: results.filter(({ failure }) => failure === undefined).length,
    median: at(0.5),
    p95: at(0.95),
    slowest: at(1),
    wirePerByte: bytes / image,
    failed: results.flatMap((result) =>
      result.failure === undefined ? [] : [{ id: survivalCaseId(result), failure: result.failure }],
    ),
  };
}

/** The rows as a table in Markdown; figures are rounded, so that the last bits of a logarithm do not show. */
export function survivalTable(rows: readonly SurvivalRow[]): string {
  const clean = rows[0]?.median ?? 0;
  const lines = rows.map(({ profile, runs, exact, median, p95, slowest, wirePerByte }) => {
    const times = [median, p95, slowest, median / clean, wirePerByte].map((figure) => figure.toFixed(2));
    return `| ${[profile, `${exact} of ${runs}`, ...times].join(" | ")} |`;
  });
  return [
    "| line | complete and exact | median s | 95 % s | slowest s | median, times clean | bytes sent per byte |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
    "",
  ].join("\n");
}
