import "../src/crypto/use-node-crypto.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FUZZ_TARGETS, growCorpus } from "./fuzz/run-fuzz.ts";
import { doJob, type Job, type JobResult, jobsOf, LAB_PARTS, type LabPlan } from "./jobs.ts";
import { replay } from "./replay.ts";
import { markdownOf, reportOf } from "./report.ts";
import { serveJobs, Workers } from "./workers.ts";

const USAGE = `npm run lab                                all evidence, to stdout
npm run lab -- --out docs/evidence/NAME      ... and to NAME.md and NAME.json
npm run lab -- --only enum,survival,fuzz,console,noise
npm run lab -- --runs 10000 --execs 1000000 --lines 20000 --first-seed 0 --workers 2
npm run lab -- --case enum:corrupt:t2r:17    one case again (--trace: every frame and event)
npm run lab -- --seed 4711 --profile loss20  a lossy transfer again
npm run lab -- --corpus                      grow test/fuzz/corpus again
`;
const CORPUS_EXECUTIONS = 40_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      case: { type: "string" },
      profile: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      only: { type: "string", default: LAB_PARTS.join() },
      runs: { type: "string", default: "10000" },
      execs: { type: "string", default: "1000000" },
      lines: { type: "string", default: "20000" },
      "first-seed": { type: "string", default: "0" },
      workers: { type: "string", default: `${Math.min(2, availableParallelism())}` },
      out: { type: "string" },
      corpus: { type: "boolean", default: false },
      worker: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.worker) return await serveJobs(([, job]: [number, Job]) => doJob(job));
  const id = values.case ?? (values.profile && `survive:${values.profile}:${values.seed ?? "0"}`);
  if (values.help) {
    say(USAGE);
    return 0;
  }
  if (id !== undefined) return replayed(id, values.trace);
  if (values.corpus) return grown();
  const parts = LAB_PARTS.filter((part) => values.only.split(",").includes(part));
  const [runs, executions, lines, firstSeed, workers] = [
    Number(values.runs),
    Number(values.execs),
    Number(values.lines),
    Number(values["first-seed"]),
    Number(values.workers),
  ];
  const plan: LabPlan = { parts, runs, executions, lines, firstSeed };
  if (
    parts.length === 0 ||
    !Object.values({ runs, executions, lines, firstSeed, workers }).every(Number.isInteger)
  ) {
    process.stderr.write(USAGE);
    return 2;
  }
  return await gather(plan, workers, values.out);
}

function replayed(id: string, isTraced: boolean): number {
  const isFine = replay(id, isTraced, say);
  if (isFine !== undefined) return isFine ? 0 : 1;
  process.stderr.write(`there is no case ${id}\n${USAGE}`);
  return 2;
}

function grown(): number {
  for (const target of FUZZ_TARGETS) {
    if (target.tag === "parser") say(`${target.name}: ${growCorpus(target, CORPUS_EXECUTIONS)} inputs`);
  }
  return 0;
}

async function gather(plan: LabPlan, workers: number, out: string | undefined): Promise<number> {
  const start = performance.now();
  const results = await deal(jobsOf(plan), Math.max(1, workers));
  const report = reportOf(plan, results, (performance.now() - start) / 1000);
  const markdown = markdownOf(report);
  say(markdown);
  if (out !== undefined) {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(`${out}.md`, markdown);
    writeFileSync(`${out}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
  }
  return report.replays.length === 0 ? 0 : 1;
}

/** Does the jobs in so many processes; the results are in the order of the jobs. */
async function deal(jobs: readonly Job[], workers: number): Promise<JobResult[]> {
  const results: JobResult[] = [];
  let done = 0;
  const processes = new Workers<[number, Job], JobResult>(fileURLToPath(import.meta.url));
  await processes.deal(jobs.entries(), workers, (result, [index]) => {
    results[index] = result;
    done++;
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${jobs.length} jobs `);
  });
  return results;
}

process.exitCode = await main();
