#!/usr/bin/env node
// The power-cut laboratory over the C code of firmware-stubs/, compiled to WebAssembly: `mayday board torture` with other
// boards, and its options --full, --every, --random, --seed, --case, --story, --depth, --workers, --share and --replay.
// Needs clang, wasm-ld, and a dist/ that was built. --module takes another module than that of the sources; --evidence writes
// "firmware-torture" in docs/evidence.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { doJob, jobsOf, replayPath } from "../../dist/sim/power-cuts/plan.js";
import { reportLines, reportOf } from "../../dist/sim/power-cuts/report.js";
import { Benches, parsePathId } from "../../dist/sim/power-cuts/sweep.js";
import { headLines, recordHead, writeRecord } from "../../hw-loopback/lib.mjs";
import { cBoards } from "./c-board.mjs";
import { buildModule } from "./wasm.mjs";

const SAMPLE_EVERY = 10;
const RANDOM_RUNS = 20_000;
const EVIDENCE = "docs/evidence/firmware-torture";

const text = { type: "string" };
const { values: flags } = parseArgs({
  options: {
    ...{
      full: { type: "boolean", default: false },
      every: text,
      random: text,
      seed: text,
      case: text,
      story: text,
    },
    ...{ depth: text, workers: text, share: text, replay: text, module: text },
    evidence: { type: "boolean", default: false },
  },
});

const path = flags.module ?? buildModule("board");
const start = cBoards(new WebAssembly.Module(readFileSync(path)));
const plan = {
  every: Number(flags.every ?? (flags.full ? 1 : SAMPLE_EVERY)),
  randomRuns: Number(flags.random ?? (flags.full ? RANDOM_RUNS : RANDOM_RUNS / SAMPLE_EVERY)),
  seed: Number(flags.seed ?? 0),
  caseName: flags.case,
  storyName: flags.story,
  depth: flags.depth === undefined ? undefined : Number(flags.depth),
};

if (flags.replay !== undefined) replay(flags.replay);
else if (flags.share !== undefined) share(flags.share);
else await all(Number(flags.workers ?? 1));

function replay(id) {
  const cuts = parsePathId(id);
  const result = cuts && replayPath(cuts, new Benches(start));
  if (result === undefined) throw new Error(`"${id}" is not a replay id`);
  say(`${id}: ${result.cuts} cuts, ${result.failure === null ? "passed" : `FAIL ${result.failure}`}`);
  process.exitCode = result.failure === null ? 0 : 1;
}

/** Prints a line of JSON for each job of a share. */
function share(which) {
  const [index, of] = which.split("/").map(Number);
  const benches = new Benches(start);
  for (const [i, job] of jobsOf(plan).entries()) {
    if (i % of === index) say(JSON.stringify(doJob(plan, job, benches)));
  }
  say("end");
}

async function all(workers) {
  const begin = performance.now();
  const count = jobsOf(plan).length;
  if (count === 0) throw new Error("no flash or story has that name; see mayday board torture --list");
  const results = [];
  const shares = Array.from({ length: workers }, async (_, i) => {
    const args = [...process.argv.slice(1), "--module", path, "--share", `${i}/${workers}`];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let hasEnded = false;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "end") hasEnded = true;
      else results.push(JSON.parse(line));
      if (process.stderr.isTTY) process.stderr.write(`\r${results.length} of ${count} jobs`);
    }
    if (!hasEnded) throw new Error(`worker ${i} died`);
  });
  await Promise.all(shares);
  const report = reportOf(results);
  // Failures name the command of the reference, whose replay is another board's.
  const told = reportLines(report, plan)
    .join("\n")
    .replaceAll("mayday board torture", "node scripts/firmware/torture.mjs");
  say(told);
  const isWell = report.failures.length === 0 && results.length === count;
  if (flags.evidence) writeEvidence(report, told, isWell, (performance.now() - begin) / 60_000);
  process.exitCode = isWell ? 0 : 1;
}

function writeEvidence(report, told, isWell, minutes) {
  const head = recordHead(
    "firmware-torture",
    `${minutes.toFixed(1)} minutes, exit code ${isWell ? 0 : 1}`,
    [],
  );
  const args = process.argv.slice(2).join(" ");
  const lines = [
    "# Power cuts over the C board",
    "",
    `\`node scripts/firmware/torture.mjs ${args}\`: the laboratory of \`npm run torture\` ([record](torture.md)) over the C code of`,
    "firmware-stubs/ as WebAssembly; flash, SHA-256 and signature check are those of the laboratory.",
    "",
    ...headLines(head),
    "",
    "```",
    told,
    "```",
    "",
  ];
  writeRecord(EVIDENCE, { ...head, report }, lines.join("\n"));
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
