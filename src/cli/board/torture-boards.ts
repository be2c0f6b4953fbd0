import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { ExitCode, FailedError, UsageError } from "../../base/errors.ts";
import { PRNG_SEED_MAX } from "../../base/prng.ts";
import type { Verdict } from "../../node/verdict.ts";
import type { TortureJob, TorturePlan, TortureResult } from "../../sim/power-cuts/plan.ts";
import { failedVerdict } from "../command-verdict.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { countParser } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";

/** A run without --full makes one cut in this many. */
const SAMPLE_EVERY = 10;
const RANDOM_RUNS = 20_000;
const WORKERS_MAX = 64;
/** Shortest time between two lines of progress. */
const PROGRESS_MS = 5000;

interface TortureFlags {
  readonly full?: boolean;
  readonly every?: number;
  readonly random?: number;
  readonly seed: number;
  readonly case?: string;
  readonly story?: string;
  readonly depth?: number;
  readonly workers: number;
  readonly share?: string;
  readonly replay?: string;
  readonly list?: boolean;
}

/** Registers `mayday board torture`. */
export function addBoardTorture(parent: Command): void {
  const command = addCommand(parent, "torture", {
    summary: "cut the power of boards in memory at every operation",
    does:
      "The power-cut laboratory. Boards in memory are healed, updated, reverted and so on, and the power fails at each " +
      "erase and each program operation, in seven ways: before it, after it, with a prefix or some of the bits done, " +
      "with bits that read at random afterwards. Each time the board must boot a whole signed image or call for help, " +
      "and accept an image; its counter floor must never fall. Without --full it makes one cut in ten, which takes a " +
      "minute or two. A failure prints the command that replays it.",
    examples: [
      "mayday board torture",
      "mayday board torture --full --workers 2",
      "mayday board torture --case ab-4k-b1k/w16/ff --story revert --every 1",
      "mayday board torture --replay small-ab:update:17.late,3.bits:0",
    ],
  });
  command
    .option("--full", "every cut, and more random paths")
    .option(
      "--every <n>",
      `make one cut in n; ${SAMPLE_EVERY} unless given`,
      countParser("a number of cuts", 1, 1e9),
    )
    .option("--random <n>", "number of random paths of five cuts", countParser("a number of paths", 0, 1e9))
    .option("--seed <n>", "seed of torn bits and random paths", countParser("a seed", 0, PRNG_SEED_MAX), 0)
    .option("--case <name>", "only this flash")
    .option("--story <name>", "only this story")
    .option("--depth <n>", "only sweeps of one cut (1), or of two (2)", countParser("a depth", 1, 2))
    .option("--workers <n>", "number of processes", countParser("a number", 1, WORKERS_MAX), 1)
    .option("--share <i/n>", "only the i-th of n shares, from 0, so that other machines can do the rest")
    .option("--replay <id>", "replay one path, as a failure names it")
    .option("--list", "list the flashes and the stories");
  onRun<TortureFlags>(command, async (context, _args, flags) => {
    if (flags.list === true) return await list(context.output);
    if (flags.replay !== undefined) return await replay(context.output, flags.replay);
    return await torture(context, flags);
  });
}

async function list(output: Output): Promise<undefined> {
  const { SMALL_CASES, TORTURE_CASES } = await import("../../sim/power-cuts/cases.ts");
  const { STORIES } = await import("../../sim/power-cuts/stories.ts");
  for (const { name, geometry, blockSize } of [...TORTURE_CASES, ...SMALL_CASES]) {
    output.result(`case ${name}`, { event: "case", name, ...geometry, blockSize });
  }
  for (const { name } of STORIES) output.result(`story ${name}`, { event: "story", name });
  return undefined;
}

async function replay(output: Output, id: string): Promise<Verdict | undefined> {
  const { parsePathId } = await import("../../sim/power-cuts/sweep.ts");
  const { replayPath } = await import("../../sim/power-cuts/plan.ts");
  const path = parsePathId(id);
  const result = path === undefined ? undefined : replayPath(path);
  if (result === undefined) {
    const message = `"${id}" is not a replay id: give what a failure printed, CASE:STORY:OPERATION.CUT,…:SEED`;
    throw new UsageError("torture-id", message);
  }
  const { cuts, wear, failure } = result;
  const how = failure === null ? "passed" : `FAIL ${failure}`;
  output.result(`${id}: ${cuts} cuts, ${how}`, { event: "replay", id, cuts, wear, failure });
  return failure === null ? undefined : failedVerdict(ExitCode.failed, "torture-failed", failure);
}

async function torture(
  { output, signal }: CommandContext,
  flags: TortureFlags,
): Promise<Verdict | undefined> {
  const { jobsOf } = await import("../../sim/power-cuts/plan.ts");
  const { boundOf, reportLines, reportOf } = await import("../../sim/power-cuts/report.ts");
  const plan = planOf(flags);
  const jobs = shareOf(jobsOf(plan), flags.share);
  if (jobs.length === 0) {
    throw new UsageError(
      "torture-nothing",
      "no flash or story has that name; see mayday board torture --list",
    );
  }
  const results: TortureResult[] = [];
  let reportedAt = Date.now();
  const take = (result: TortureResult): void => {
    results.push(result);
    output.event({ event: "torture", ...result });
    if (Date.now() - reportedAt < PROGRESS_MS) return;
    reportedAt = Date.now();
    output.note(`${results.length} of ${jobs.length} jobs, ${reportOf(results).failures.length} failures`);
  };
  if (flags.workers > 1 && flags.share === undefined) await shared(flags.workers, signal, take);
  else await alone(plan, jobs, signal, take);
  const report = reportOf(results);
  const isWhole = results.length === jobs.length;
  output.result(reportLines(report, plan).join("\n"), {
    event: "report",
    isWhole,
    every: plan.every,
    seed: plan.seed,
    ...boundOf(report),
    ...report,
  });
  if (report.failures.length > 0) {
    return failedVerdict(ExitCode.failed, "torture-failed", `${report.failures.length} failures`);
  }
  if (isWhole) return undefined;
  const detail = `stopped after ${results.length} of ${jobs.length} jobs`;
  return failedVerdict(ExitCode.interrupted, "interrupted", detail);
}

function planOf({ full = false, every, random, seed, depth, ...only }: TortureFlags): TorturePlan {
  return {
    every: every ?? (full ? 1 : SAMPLE_EVERY),
    randomRuns: random ?? (full ? RANDOM_RUNS : RANDOM_RUNS / SAMPLE_EVERY),
    seed,
    caseName: only.case,
    storyName: only.story,
    depth: depth === 1 || depth === 2 ? depth : undefined,
  };
}

function shareOf(jobs: readonly TortureJob[], share: string | undefined): readonly TortureJob[] {
  if (share === undefined) return jobs;
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(share);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index >= of) {
    throw new UsageError("torture-share", `"${share}" is not a share: give I/N with I from 0 to N - 1`);
  }
  return jobs.filter((_, i) => i % of === index);
}

async function alone(
  plan: TorturePlan,
  jobs: readonly TortureJob[],
  signal: AbortSignal,
  take: (result: TortureResult) => void,
): Promise<void> {
  const { doJob } = await import("../../sim/power-cuts/plan.ts");
  const { Benches } = await import("../../sim/power-cuts/sweep.ts");
  const benches = new Benches();
  for (const job of jobs) {
    if (signal.aborted) return;
    take(doJob(plan, job, benches));
    // Lets signal handlers run.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Shares the work among child processes of this command line. */
async function shared(
  workers: number,
  signal: AbortSignal,
  take: (result: TortureResult) => void,
): Promise<void> {
  const children: ChildProcess[] = [];
  const stop = (): void => {
    for (const child of children) child.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ends = Array.from({ length: workers }, async (_, i) => {
      const args = [...process.execArgv, ...process.argv.slice(1), "--share", `${i}/${workers}`, "--json"];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
      children.push(child);
      const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
      let hasEnded = false;
      for await (const line of createInterface({ input: child.stdout })) {
        const event = JSON.parse(line) as { readonly event: string } & TortureResult;
        if (event.event === "torture") take(event);
        hasEnded ||= event.event === "verdict";
      }
      await ended;
      if (!hasEnded && !signal.aborted)
        throw new FailedError("torture-worker", `worker ${i} died; run it again`);
    });
    await Promise.all(ends);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
