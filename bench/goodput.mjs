#!/usr/bin/env node
// Goodput over a virtual cable at a true line rate, with the real command line: three processes, two PTYs, serialport.
// Prints the share of the line rate from the first byte of the manifest to DONE: medians over the seeds.
//
//   npm run build && node bench/goodput.mjs [--runs 5] [--only NAME]... [--out docs/evidence/goodput]
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  machineFacts,
  mayday,
  median,
  round,
  sourceOf,
  startCable,
  startMayday,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const KIB = 1024;

/** `floor` is what must be reached, `aim` what is wanted (docs/testing.md). */
const CASES = [
  { name: "clean", floor: 0.93, aim: 0.97, cable: [] },
  { name: "clean 115200", floor: 0.93, aim: 0.97, baud: 115_200, size: 64 * KIB, cable: [] },
  { name: "clean 3M, 1 MiB", aim: 0.97, baud: 3_000_000, size: KIB * KIB, cable: [] },
  { name: "clean, 1 MiB", aim: 0.975, size: KIB * KIB, cable: [] },
  { name: "16 ms delay", floor: 0.9, cable: ["--latency", "16"] },
  { name: "16 ms delay, 1 MiB", aim: 0.975, size: KIB * KIB, cable: ["--latency", "16"] },
  { name: "ber 1e-6", aim: 0.96, cable: ["--ber", "1e-6"] },
  { name: "ber 1e-5", floor: 0.88, aim: 0.92, cable: ["--ber", "1e-5"] },
  { name: "ber 1e-4", floor: 0.74, aim: 0.8, cable: ["--ber", "1e-4"] },
  { name: "ber 3e-4", floor: 0.6, aim: 0.69, cable: ["--ber", "3e-4"] },
  { name: "ber 1e-3", floor: 0.4, aim: 0.5, cable: ["--ber", "1e-3"] },
  { name: "ber 3e-3", aim: 0.22, cable: ["--ber", "3e-3"] },
  { name: "drop 1e-4", floor: 0.88, aim: 0.92, cable: ["--drop", "1e-4"] },
  { name: "bursts", floor: 0.92, aim: 0.955, cable: ["--burst", "100000,50"] },
  { name: "2 s cut", floor: 0.55, aim: 0.575, cable: ["--cut", "1.4,2"] },
];

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    out: { type: "string" },
  },
});

async function run(test, seed, directory) {
  const baud = test.baud ?? 921_600;
  const size = test.size ?? 256 * KIB;
  const path = (name) => join(directory, name);
  writeFileSync(path("fw.bin"), randomBytes(size));
  const what = ["--hardware", "bench/board", "--version", "1.0.0", "--key", path("k.key")];
  mayday("image", "build", "--in", path("fw.bin"), ...what, "--out", path("fw.mdy"));
  rmSync(path("board"), { recursive: true, force: true });
  const board = ["--hardware", "bench/board", "--flash-size", String(size), "--trust", path("k.pub")];
  mayday("board", "init", path("board"), ...board);
  const ends = ["--a", path("a"), "--b", path("b"), "--baud", String(baud), "--seed", String(seed)];
  const cable = await startCable(
    ...ends,
    ...(test.cable.includes("--latency") ? [] : ["--latency", "1"]),
    ...test.cable,
  );
  const started = performance.now();
  const patience = ["--timeout", "120", "--json"];
  const target = startMayday(
    "distress",
    "--link",
    `serial:${path("a")}?baud=${baud}`,
    "--board",
    path("board"),
    ...patience,
  );
  const rescuer = startMayday(
    "rescue",
    ...["--link", `serial:${path("b")}?baud=${baud}`, "--image", path("fw.mdy"), "--once"],
    ...patience,
  );
  const [t, r] = await Promise.all([target.ended, rescuer.ended]);
  const wall = (performance.now() - started) / 1000;
  await cable.close();
  const verdict = r.lines.find((line) => line.event === "verdict");
  if (t.code !== 0 || r.code !== 0) return { goodput: 0, wall, overhead: 0, isExact: false };
  mayday("board", "read", path("board"), "--out", path("back.bin"));
  const isExact = readFileSync(path("back.bin")).equals(readFileSync(path("fw.bin")));
  const line = (size * 10) / baud;
  return { goodput: line / verdict.seconds, wall, overhead: wall - verdict.seconds, isExact };
}

const directory = mkdtempSync(join(tmpdir(), "mayday-bench-"));
mayday("keygen", "--out", join(directory, "k"));
const machine = machineFacts();
const { version, commit = `none, version ${version}` } = sourceOf();
const rows = [];
const wanted = CASES.filter(({ name }) => values.only === undefined || values.only.includes(name));
for (const test of wanted) {
  const runs = [];
  for (let seed = 1; seed <= Number(values.runs); seed++) runs.push(await run(test, seed, directory));
  const goodputs = runs.map(({ goodput }) => goodput);
  const row = {
    name: test.name,
    median: round(median(goodputs)),
    lowest: round(Math.min(...goodputs)),
    floor: test.floor,
    aim: test.aim,
    startAndEndSeconds: round(median(runs.map(({ overhead }) => overhead))),
    exact: runs.filter(({ isExact }) => isExact).length,
    runs: runs.length,
  };
  rows.push(row);
  process.stderr.write(`${JSON.stringify(row)}\n`);
}
rmSync(directory, { recursive: true });

const table = [
  `Share of the line rate, medians of ${values.runs} seeds (1 to ${values.runs}), commit ${commit}, Node ${machine.node}, ${machine.cpus} cores.`,
  "256 KiB of random bytes at 921600 baud and 1 ms delay unless said; `npm run bench`.",
  "",
  "| line | median | lowest | floor | aim | start and end | exact |",
  "| --- | --- | --- | --- | --- | --- | --- |",
  ...rows.map(
    (row) =>
      `| ${row.name} | ${row.median} | ${row.lowest} | ${row.floor ?? ""} | ${row.aim ?? ""} | ${row.startAndEndSeconds} s | ${row.exact} of ${row.runs} |`,
  ),
].join("\n");
process.stdout.write(`${table}\n`);
writeRecord(values.out, { commit, machine, seeds: Number(values.runs), rows }, `# Goodput\n\n${table}\n`);
