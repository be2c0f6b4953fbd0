import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import type { FuzzRow } from "./fuzz/run-fuzz.ts";
import type { EnumRow, JobResult, LabPlan } from "./jobs.ts";
import { PROFILES } from "./profiles.ts";
import { type SurvivalRow, survivalRow, survivalTable } from "./survival.ts";

/** All that a run of the laboratory found; what the JSON file holds. */
export interface LabReport {
  readonly commit: string;
  readonly isModified: boolean;
  readonly node: string;
  readonly cpu: string;
  readonly seconds: number;
  readonly plan: LabPlan;
  readonly enumeration: readonly EnumRow[];
  readonly survival: readonly SurvivalRow[];
  readonly fuzz: readonly FuzzRow[];
  readonly console: readonly Extract<JobResult, { tag: "console" }>[];
  readonly noise: Extract<JobResult, { tag: "noise" }>["rows"];
  /** One line for each failure that runs it again. */
  readonly replays: readonly string[];
}

/** With nothing seen in n runs, the rate is below 3 / n with 95 % confidence. */
export function bound(failed: number, runs: number): string {
  return failed === 0 && runs > 0
    ? `0 of ${runs} (below ${(3 / runs).toExponential(1)} at 95 %)`
    : `${failed} of ${runs}`;
}

/** Puts the results of all jobs together. */
export function reportOf(plan: LabPlan, results: readonly JobResult[], seconds: number): LabReport {
  const enumeration = results.flatMap((result) => (result.tag === "enum" ? [result.row] : []));
  const survival = PROFILES.flatMap((profile) => {
    const runs = results.flatMap((result) =>
      result.tag === "survival" && result.profile === profile.name ? result.results : [],
    );
    return runs.length === 0
      ? []
      : [
          survivalRow(
            profile.name,
            runs.map((run) => ({ profile, ...run })),
          ),
        ];
  });
  const fuzz = addUp(results.flatMap((result) => (result.tag === "fuzz" ? [result.row] : [])));
  const console = results.flatMap((result) => (result.tag === "console" ? [result] : []));
  const failures = [
    ...[...enumeration, ...survival, ...fuzz].flatMap(({ failed }) => failed),
    ...console.flatMap(({ result: { failure }, seed }) =>
      failure === undefined ? [] : [{ id: `console:${seed}`, failure }],
    ),
  ];
  const replays = failures.map(
    ({ id, failure }) => `npm run lab -- --case ${id}  # ${failure.split("\n")[0]}`,
  );
  const noise = results.flatMap((result) => (result.tag === "noise" ? result.rows : []));
  return { ...machine(), seconds, plan, enumeration, survival, fuzz, console, noise, replays };
}

/** Commit, Node and processor of a run. */
export function machine(): Pick<LabReport, "commit" | "isModified" | "node" | "cpu"> {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  const all = cpus();
  return {
    commit: git("rev-parse", "HEAD"),
    isModified: git("status", "--porcelain", "--", "src", "test") !== "",
    node: process.version,
    cpu: `${all.length} x ${all[0]?.model ?? "unknown"}`,
  };
}

function addUp(rows: readonly FuzzRow[]): FuzzRow[] {
  const sums = new Map<string, FuzzRow>();
  for (const row of rows) {
    const sum = sums.get(row.target);
    sums.set(row.target, {
      target: row.target,
      executions: (sum?.executions ?? 0) + row.executions,
      words: Math.max(sum?.words ?? 0, row.words),
      slowestMs: Math.max(sum?.slowestMs ?? 0, row.slowestMs),
      failed: [...(sum?.failed ?? []), ...row.failed],
    });
  }
  return [...sums.values()];
}

/** The report for people. */
export function markdownOf(report: LabReport): string {
  const { commit, isModified, node, cpu, seconds, plan } = report;
  const lines = [
    "# Fault laboratory",
    "",
    `Commit ${commit}${isModified ? ", modified" : ""}; seeds from ${plan.firstSeed}; Node ${node}; ${cpu}; ${seconds.toFixed(0)} s.`,
    "",
    "Time of transfers is virtual: it does not depend on the machine. Again: `npm run lab`.",
    "",
    ...enumerationLines(report.enumeration),
    ...survivalLines(report.survival),
    ...fuzzLines(report.fuzz),
    ...consoleLines(report),
    ...noiseLines(report),
    "## Failures",
    "",
    ...(report.replays.length === 0 ? ["None."] : ["```", ...report.replays, "```"]),
    "",
  ];
  return lines.join("\n");
}

function count(rows: readonly { readonly failed: readonly unknown[] }[]): number {
  return rows.reduce((sum, { failed }) => sum + failed.length, 0);
}

function enumerationLines(rows: readonly EnumRow[]): string[] {
  if (rows.length === 0) return [];
  const runs = rows.reduce((sum, row) => sum + row.runs, 0);
  return [
    "## Every frame, every fault",
    "",
    `Wrong image, hang, exception or no rest: ${bound(count(rows), runs)}.`,
    "",
    "| session (frames) | fault | runs | failed | slowest, virtual s | most bytes on the wire |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
    ...rows.map(({ setup, frames, kind, runs: n, failed, slowestMs, bytesMost }) => {
      return `| ${setup} (${frames}) | ${kind} | ${n} | ${failed.length} | ${(slowestMs / 1000).toFixed(2)} | ${bytesMost} |`;
    }),
    "",
  ];
}

function survivalLines(rows: readonly SurvivalRow[]): string[] {
  if (rows.length === 0) return [];
  const runs = rows.reduce((sum, row) => sum + row.runs, 0);
  return [
    "## Lossy transfers",
    "",
    `Not complete or not exact: ${bound(count(rows), runs)}.`,
    "",
    survivalTable(rows),
  ];
}

function fuzzLines(rows: readonly FuzzRow[]): string[] {
  if (rows.length === 0) return [];
  const executions = rows.reduce((sum, row) => sum + row.executions, 0);
  return [
    "## Fuzz",
    "",
    `Exception, endless loop or broken invariant: ${bound(count(rows), executions)}.`,
    "",
    "| target | executions | failed | different outcomes | slowest, ms |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows.map(({ target, executions: n, failed, words, slowestMs }) => {
      return `| ${target} | ${n} | ${failed.length} | ${words} | ${slowestMs.toFixed(0)} |`;
    }),
    "",
  ];
}

function consoleLines(report: LabReport): string[] {
  return report.console.flatMap(({ result: { lines, splices, heard, framesLost, failure } }) => [
    "## Console text in the line",
    "",
    `${lines} lines of kernel log, ${splices} of them inside a frame: image ${failure === undefined ? "exact" : "NOT exact"}, ${heard} lines out whole, ${framesLost} frames lost.`,
    "",
  ]);
}

function noiseLines({ noise }: LabReport): string[] {
  if (noise.length === 0) return [];
  return [
    "## Noise",
    "",
    "| through splitter and link | MiB | CPU ms | growth, MiB |",
    "| --- | ---: | ---: | ---: |",
    ...noise.map(
      ({ noise: kind, mebibytes, cpuMs, grownMiB }) =>
        `| ${kind} | ${mebibytes.toFixed(0)} | ${cpuMs.toFixed(0)} | ${grownMiB.toFixed(1)} |`,
    ),
    "",
  ];
}
