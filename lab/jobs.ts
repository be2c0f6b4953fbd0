import { type ConsoleResult, runConsole } from "./console-lines.ts";
import { type EnumKind, enumCaseId, FRAME_KINDS, SIDE_KINDS } from "./enum-case.ts";
import { countFrames, enumerate, runEnumCase, SETUPS } from "./enumeration.ts";
import { FUZZ_TARGETS, type FuzzRow, fuzz, fuzzShares } from "./fuzz/run-fuzz.ts";
import { measureNoise, type NoiseRow } from "./noise.ts";
import { PROFILES } from "./profiles.ts";
import type { RunResult } from "./supervised-rescue.ts";
import { runSurvival } from "./survival.ts";

/** How much evidence to gather. */
export interface LabPlan {
  readonly parts: readonly LabPart[];
  /** Lossy transfers, spread over all profiles. */
  readonly runs: number;
  /** Executions of all fuzz targets together. */
  readonly executions: number;
  /** Lines of console text. */
  readonly lines: number;
  readonly firstSeed: number;
}

export const LAB_PARTS = ["enum", "survival", "fuzz", "console", "noise"] as const;
export type LabPart = (typeof LAB_PARTS)[number];

/** A piece of work for one process. */
export type Job =
  | { readonly tag: "enum"; readonly setup: string; readonly kind: EnumKind }
  | { readonly tag: "survival"; readonly profile: string; readonly from: number; readonly to: number }
  | { readonly tag: "fuzz"; readonly target: string; readonly from: number; readonly to: number }
  | { readonly tag: "console"; readonly seed: number; readonly lines: number }
  | { readonly tag: "noise" };

export interface EnumRow {
  readonly setup: string;
  readonly kind: EnumKind;
  readonly frames: number;
  readonly runs: number;
  /** Virtual time of the slowest run. */
  readonly slowestMs: number;
  readonly bytesMost: number;
  readonly failed: readonly { readonly id: string; readonly failure: string }[];
}

export type JobResult =
  | { readonly tag: "enum"; readonly row: EnumRow }
  | {
      readonly tag: "survival";
      readonly profile: string;
      readonly results: readonly (RunResult & { seed: number })[];
    }
  | { readonly tag: "fuzz"; readonly row: FuzzRow }
  | { readonly tag: "console"; readonly result: ConsoleResult; readonly seed: number }
  | { readonly tag: "noise"; readonly rows: readonly NoiseRow[] };

/** Bytes of the image that console text is written beside. */
const CONSOLE_IMAGE = 2 * 1_048_576;
const SURVIVAL_CHUNK = 50;
const FUZZ_CHUNKS = 8;

/** All jobs of a plan, long ones first, so that the processes end together. */
export function jobsOf({ parts, runs, executions, lines, firstSeed }: LabPlan): Job[] {
  const jobs: Job[] = [];
  if (parts.includes("noise")) jobs.push({ tag: "noise" });
  if (parts.includes("console")) jobs.push({ tag: "console", seed: firstSeed, lines });
  if (parts.includes("enum")) {
    const kinds = [...FRAME_KINDS, ...SIDE_KINDS];
    jobs.push(
      ...Object.keys(SETUPS).flatMap((setup) => kinds.map((kind) => ({ tag: "enum", setup, kind }) as const)),
    );
  }
  if (parts.includes("survival")) {
    const each = Math.ceil(runs / PROFILES.length);
    for (const { name } of PROFILES)
      jobs.push(
        ...chunks(firstSeed, each, SURVIVAL_CHUNK, (range) => ({ tag: "survival", profile: name, ...range })),
      );
  }
  if (parts.includes("fuzz")) {
    for (const { target, executions: share } of fuzzShares(executions)) {
      const size = Math.ceil(share / FUZZ_CHUNKS);
      jobs.push(
        ...chunks(firstSeed, share, size, (range) => ({ tag: "fuzz", target: target.name, ...range })),
      );
    }
  }
  return jobs;
}

function chunks(
  first: number,
  count: number,
  size: number,
  make: (range: { from: number; to: number }) => Job,
): Job[] {
  const jobs: Job[] = [];
  for (let at = 0; at < count; at += size)
    jobs.push(make({ from: first + at, to: first + Math.min(count, at + size) }));
  return jobs;
}

/** Does a job. Lets go of each run before the next: promises of closed transports hold them until the loop turns. */
export async function doJob(job: Job): Promise<JobResult> {
  switch (job.tag) {
    case "enum":
      return { tag: "enum", row: await enumRow(job.setup, job.kind) };
    case "survival": {
      const profile = PROFILES.find(({ name }) => name === job.profile);
      if (profile === undefined) throw new Error(`no profile ${job.profile}`);
      const results: (RunResult & { seed: number })[] = [];
      for (let seed = job.from; seed < job.to; seed++) {
        results.push({ seed, ...runSurvival({ profile, seed }) });
        await nextTurn();
      }
      return { tag: "survival", profile: job.profile, results };
    }
    case "fuzz": {
      const target = FUZZ_TARGETS.find(({ name }) => name === job.target);
      if (target === undefined) throw new Error(`no fuzz target ${job.target}`);
      return { tag: "fuzz", row: fuzz(target, job.from, job.to) };
    }
    case "console":
      return { tag: "console", seed: job.seed, result: runConsole(job.seed, CONSOLE_IMAGE, job.lines) };
    case "noise":
      return { tag: "noise", rows: measureNoise() };
  }
}

async function enumRow(setup: string, kind: EnumKind): Promise<EnumRow> {
  const { t2r, r2t } = countFrames(setup);
  const cases = enumerate(setup, [kind]);
  const failed: { id: string; failure: string }[] = [];
  let slowestMs = 0;
  let bytesMost = 0;
  for (const enumCase of cases) {
    const { failure, ms, bytes } = runEnumCase(enumCase);
    if (failure !== undefined) failed.push({ id: enumCaseId(enumCase), failure });
    slowestMs = Math.max(slowestMs, ms);
    bytesMost = Math.max(bytesMost, bytes);
    await nextTurn();
  }
  return { setup, kind, frames: t2r + r2t, runs: cases.length, slowestMs, bytesMost, failed };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
