#!/usr/bin/env node
// Another built checkout and this one, in pairs on the same virtual cables: share of the line rate from the first byte of
// the manifest to DONE, processor time of both processes, and how long `mayday --help` takes. Prints medians and ratios.
//
//   npm run build && node bench/compare.mjs --base DIR [--runs 5] [--only NAME]...
//
// DIR is a checkout in which `npm ci && npm run build` ran.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machineFacts, median, sourceOf, startCable } from "../hw-loopback/lib.mjs";
import { measuredIn } from "./measured.mjs";

const KIB = 1024;
const CASES = [
  { name: "clean", baud: 921_600, size: 256 * KIB, cable: [] },
  { name: "ber 1e-4", baud: 921_600, size: 256 * KIB, cable: ["--ber", "1e-4"] },
  { name: "16 ms delay", baud: 921_600, size: 256 * KIB, cable: ["--latency", "16"] },
  { name: "clean 3M, 4 MiB", baud: 3_000_000, size: 4 * KIB * KIB, cable: [] },
];
const HELP_RUNS = 15;

const { values } = parseArgs({
  options: {
    base: { type: "string" },
    runs: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
  },
});
if (values.base === undefined) {
  process.stderr.write("usage: node bench/compare.mjs --base DIR [--runs 5] [--only NAME]...\n");
  process.exit(2);
}

const here = fileURLToPath(new URL("..", import.meta.url));
const sides = [
  { name: "base", main: resolve(values.base, "dist/cli/main.js") },
  { name: "this", main: join(here, "dist/cli/main.js") },
];
const directory = mkdtempSync(join(tmpdir(), "mayday-compare-"));
const path = (name) => join(directory, name);

const start = measuredIn(directory);
const call = (main, ...args) => execFileSync(process.execPath, [main, ...args], { stdio: "pipe" });

async function transfer({ main }, { baud, size, cable: faults }, seed) {
  writeFileSync(path("fw.bin"), randomBytes(size));
  const what = ["--hardware", "bench/board", "--version", "1.0.0", "--key", path("k.key")];
  call(main, "image", "build", "--in", path("fw.bin"), ...what, "--out", path("fw.mdy"));
  rmSync(path("board"), { recursive: true, force: true });
  const board = ["--hardware", "bench/board", "--flash-size", String(size), "--trust", path("k.pub")];
  call(main, "board", "init", path("board"), ...board);
  const latency = faults.includes("--latency") ? [] : ["--latency", "1"];
  const ends = ["--a", path("a"), "--b", path("b"), "--baud", String(baud), "--seed", String(seed)];
  const cable = await startCable(...ends, ...latency, ...faults);
  const link = (end) => ["--link", `serial:${path(end)}?baud=${baud}`, "--timeout", "120"];
  const [target, rescuer] = await Promise.all([
    start(main, "target", "distress", ...link("a"), "--board", path("board")).ended,
    start(main, "rescuer", "rescue", ...link("b"), "--image", path("fw.mdy"), "--once").ended,
  ]);
  await cable.close();
  if (target.code !== 0 || rescuer.code !== 0) throw new Error(`not healed: ${target.code}, ${rescuer.code}`);
  call(main, "board", "read", path("board"), "--out", path("back.bin"));
  if (!readFileSync(path("back.bin")).equals(readFileSync(path("fw.bin")))) throw new Error("not exact");
  const share = (size * 10) / baud / rescuer.verdict.seconds;
  return { share, targetCpu: target.cpu, rescuerCpu: rescuer.cpu };
}

/** Runs `once` for each side in turn, `runs` times; the side that begins changes with each pair. */
async function inPairs(runs, once) {
  const results = sides.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const i of run % 2 === 0 ? [0, 1] : [1, 0]) results[i].push(await once(sides[i], run + 1));
  }
  return results;
}

const rows = [];
function row(name, results, digits, isMoreBetter) {
  const [base, now] = results.map((list) => median(list));
  const ratio = isMoreBetter ? now / base : base / now;
  rows.push(`| ${name} | ${base.toFixed(digits)} | ${now.toFixed(digits)} | ${ratio.toFixed(4)} |`);
  process.stderr.write(`${rows.at(-1)}\n`);
}

call(sides[1].main, "keygen", "--out", path("k"));
for (const test of CASES.filter(({ name }) => values.only?.includes(name) ?? true)) {
  const results = await inPairs(Number(values.runs), (side, seed) => transfer(side, test, seed));
  const of = (key) => results.map((list) => list.map((result) => result[key]));
  row(`${test.name}: share of the line`, of("share"), 4, true);
  row(`${test.name}: rescuer, s of processor`, of("rescuerCpu"), 3, false);
  row(`${test.name}: target, s of processor`, of("targetCpu"), 3, false);
}
if (values.only === undefined) {
  const results = await inPairs(HELP_RUNS, (side) => {
    const started = performance.now();
    call(side.main, "--help");
    return performance.now() - started;
  });
  row("mayday --help, ms", results, 1, false);
}
rmSync(directory, { recursive: true });
const { cpus, model, node } = machineFacts();
process.stdout.write(
  [
    `Medians of ${values.runs} pairs, commit ${sourceOf().commit ?? "none"}, Node ${node}, ${cpus} x ${model?.trim()}. Ratio: above 1 is better than the base.`,
    "",
    "| figure | base | this | ratio |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n"),
);
