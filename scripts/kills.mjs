#!/usr/bin/env node
// SIGKILL at random moments in the scene of six boards, and what came of it in docs/evidence/kills.md.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  headLines,
  median,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:kills -- [--kills N] [--from SEED] [--out docs/evidence/kills]

N kills (200), five in each run of test/cli/node/kill-scene.ts: 1.1 is installed on board 0 of six, and random nodes get SIGKILL
at random moments and start again. One seed a run, from SEED (1) on; --kills 5 --from SEED repeats the kills of one. Exit 0: all
runs ended with six boards on 1.1, each flash exact. 1: one did not. 2: usage.
`;
const TEST = "test/cli/node/kills.test.ts";
const KILLS_PER_RUN = 5;
/** Runs of one process. */
const SHARE = 5;
const DOINGS = ["starting", "idle", "installing", "target", "rescuer"];

function count(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new BenchUsageError(`--${name} ${text}: not a number`);
  return value;
}

/** Some runs, in a process of their own; what each of them was. */
function share(from, runs, file) {
  const env = { ...process.env, KILLS_FROM: String(from), KILLS_RUNS: String(runs), KILLS_OUT: file };
  rmSync(file, { force: true });
  const { status, stdout, stderr } = spawnSync("npx", ["vitest", "run", TEST], { env, encoding: "utf8" });
  if (status !== 0) process.stderr.write(`${stdout}${stderr}`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new Error(`seeds from ${from}: no run ended`);
  }
}

function allRuns(first, total) {
  const folder = mkdtempSync(join(tmpdir(), "mayday-kills-"));
  try {
    const runs = [];
    for (let done = 0; done < total; done += SHARE) {
      runs.push(...share(first + done, Math.min(SHARE, total - done), join(folder, "runs.json")));
      const bad = runs.filter(({ faults }) => faults.length > 0).length;
      process.stderr.write(`${runs.length} of ${total} runs, ${bad} with faults\n`);
    }
    return runs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      out: { type: "string" },
    },
  });
  const first = count("from", values.from);
  const total = Math.ceil(count("kills", values.kills) / KILLS_PER_RUN);
  const runs = allRuns(first, total);
  const kills = runs.flatMap((run) => run.kills);
  const faults = runs.flatMap(({ seed, faults: told }) => told.map((fault) => ({ seed, fault })));
  const seconds = runs.map((run) => run.seconds);
  const head = recordHead("kills", `seeds ${first} to ${first + total - 1}, ${KILLS_PER_RUN} kills each`, []);
  const markdown = [
    "# Nodes killed at random moments",
    "",
    "Six processes of `mayday node`: a chain of three boards and a fan-out to three, on serial cables and TCP. 1.1 is installed on",
    "board 0 and spreads; meanwhile random nodes get SIGKILL at random moments, and start again after up to a second. Each run has",
    "to end with all six boards on 1.1, each flash as the image byte for byte, every start in spite of the lock and the socket that",
    "the killed process left, and neither of them left after SIGTERM. The seed draws moments, nodes and pauses; how far the",
    "processes are by then is the machine's. Again: `npm run evidence:kills`; one run: `npm run evidence:kills -- --kills 5 --from SEED`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      [
        "runs",
        "kills",
        ...DOINGS.map((doing) => `of them ${doing}`),
        "seconds until 1.1 ran on all: median",
        "most",
        "faults",
      ],
      [
        [
          runs.length,
          kills.length,
          ...DOINGS.map((doing) => kills.filter((kill) => kill.doing === doing).length),
          median(seconds).toFixed(1),
          Math.max(...seconds).toFixed(1),
          faults.length,
        ],
      ],
    ),
    "",
    ...faults.map(({ seed, fault }) => `- seed ${seed}: ${fault.split("\n", 1)[0]}`),
    ...(faults.length > 0 ? [""] : []),
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  for (const { seed, fault } of faults) process.stdout.write(`seed ${seed}: ${fault}\n`);
  writeRecord(values.out, { ...head, runs }, markdown);
  return faults.length === 0 && kills.length === total * KILLS_PER_RUN;
}

await runBench(USAGE, main);
