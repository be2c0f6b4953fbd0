import "../src/crypto/use-node-crypto.ts";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mutateReport } from "./mutate/mutate-report.ts";
import { runMutated } from "./mutate/mutated-transfer.ts";
import {
  addSums,
  batchesLeft,
  batchSeeds,
  count,
  loadProgress,
  type MutatePlan,
  type MutateSums,
  newSums,
  parseMutateCase,
  saveProgress,
} from "./mutate/progress.ts";
import { machine } from "./report.ts";
import { serveJobs, Workers } from "./workers.ts";

const USAGE = `npm run lab:mutate                            200000 mutated transfers, to stdout
npm run lab:mutate -- --runs 200000 --first-seed 0 --workers 2
npm run lab:mutate -- --out docs/evidence/mutate   ... and to that .md
npm run lab:mutate -- --case mutate:123       one transfer again (--trace: every event)
The progress is kept in .lab-progress/mutate.json (--progress FILE): interrupted, the same command resumes it.
`;

/** A batch of seeds for a worker. */
interface Batch {
  readonly from: number;
  readonly to: number;
}

/** A batch, and its place among all. */
interface NumberedBatch extends Batch {
  readonly batch: number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "200000" },
      "first-seed": { type: "string", default: "0" },
      workers: { type: "string", default: "2" },
      progress: { type: "string", default: ".lab-progress/mutate.json" },
      out: { type: "string" },
      case: { type: "string" },
      trace: { type: "boolean", default: false },
      worker: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.worker) {
    // An interruption of the terminal reaches every process; the parent decides.
    process.on("SIGINT", () => {});
    return await serveJobs(work);
  }
  if (values.help) {
    say(USAGE);
    return 0;
  }
  if (values.case !== undefined) return replayed(values.case, values.trace);
  const [runs, firstSeed, workers] = [
    Number(values.runs),
    Number(values["first-seed"]),
    Number(values.workers),
  ];
  if (![runs, firstSeed, workers].every(Number.isInteger) || runs < 1 || workers < 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  return await gather({ runs, firstSeed, ...codeNow() }, workers, values.progress, values.out);
}

/** The commit, and what names the code that runs: the trees of its folders, and what was changed since. */
function codeNow(): Pick<MutatePlan, "version" | "code"> {
  const { commit, isModified } = machine();
  const git = (...args: readonly string[]): Buffer => execFileSync("git", args, { maxBuffer: 1 << 28 });
  const folders = ["src", "lab", "test/support"];
  const hash = createHash("sha256").update(git("rev-parse", ...folders.map((folder) => `HEAD:${folder}`)));
  const code = hash
    .update(git("diff", "HEAD", "--", ...folders))
    .digest("hex")
    .slice(0, 16);
  return { version: isModified ? `${commit}, modified (${code})` : commit, code };
}

function replayed(id: string, isTraced: boolean): number {
  const seed = parseMutateCase(id);
  if (seed === undefined) {
    process.stderr.write(`there is no case ${id}\n${USAGE}`);
    return 2;
  }
  const result = runMutated(seed, {}, isTraced ? say : undefined);
  say(JSON.stringify(result, undefined, 1));
  return result.failures.length === 0 ? 0 : 1;
}

async function gather(
  plan: MutatePlan,
  workers: number,
  path: string,
  out: string | undefined,
): Promise<number> {
  const progress = loadProgress(path, plan);
  const processes = new Workers<NumberedBatch, MutateSums>(fileURLToPath(import.meta.url));
  const before = progress.seconds;
  const start = performance.now();
  process.once("SIGINT", () => {
    processes.kill();
    say(`interrupted after ${progress.sums.transfers} of ${plan.runs} transfers; the same command resumes`);
    process.exit(130);
  });
  const batches = batchesLeft(progress).map((batch) => ({ batch, ...batchSeeds(plan, batch) }));
  await processes.deal(batches, workers, (sums, { batch }) => {
    addSums(progress.sums, sums);
    progress.done.push(batch);
    progress.seconds = before + (performance.now() - start) / 1000;
    saveProgress(path, progress);
    if (process.stderr.isTTY) process.stderr.write(`\r${progress.sums.transfers} of ${plan.runs} `);
  });
  const report = mutateReport(progress, machine());
  say(report);
  if (out !== undefined) {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(`${out}.md`, report);
  }
  return progress.sums.failed === 0 ? 0 : 1;
}

async function work({ from, to }: Batch): Promise<MutateSums> {
  const sums = newSums();
  for (let seed = from; seed < to; seed++) {
    count(sums, seed, runMutated(seed));
    // Promises of closed transports hold a run until the loop turns.
    await new Promise(setImmediate);
  }
  return sums;
}

process.exitCode = await main();
