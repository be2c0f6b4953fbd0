#!/usr/bin/env node
// The entry points of firmware-stubs/tests/fuzz under libFuzzer with the sanitizers.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { headLines, recordHead, runBench, sumOf, tableText, writeRecord } from "../../hw-loopback/lib.mjs";
import { definesOf } from "./configurations.mjs";
import { run } from "./native.mjs";
import { BUILD, FUZZ, fuzzEntries, INCLUDES, STUBS, sourcesOf } from "./sources.mjs";

const USAGE = `usage: node scripts/firmware/fuzz.mjs [--runs N | --total N] [--only NAME] [--seed S] [--workers W]
                                          [--keep] [--evidence]

--runs: inputs of each entry point (10000). --total: inputs of all together; whole sessions, which take longest, get fewer than the
others. --workers: entry points that run at the same time (1), each with the same inputs as alone. Inputs that were kept lie in firmware-stubs/tests/fuzz/corpus/NAME; what is found besides goes to build/firmware/fuzz, and
what fails stays there. --keep adds to the corpus what reached new code. --evidence writes "libfuzzer" in docs/evidence.
Exit 0: nothing was reported. 1: otherwise. 2: usage.
`;
const EVIDENCE = "docs/evidence/libfuzzer";
const FOLDER = join(BUILD, "fuzz");
const FLAGS = ["-std=c99", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];
const SANITIZERS = "address,undefined";
/** Longest input in bytes, where it is not that of a frame. */
const LONGEST = {
  envelope: 700,
  trust_store: 2049,
  tree: 540,
  runs: 4096,
  hunter: 5000,
  session: 4096,
  target: 8192,
  rescuer: 8192,
  record: 8192,
};

/** Inputs of an entry point, as a share of those of the others, where --total is given: an input of a session takes 6 ms. */
const SHARES = { session: 0.06 };

/** The library once, instrumented; then each entry point. */
function objects() {
  const folder = join(FOLDER, "objects");
  mkdirSync(folder, { recursive: true });
  return sourcesOf("all").map((source) => {
    const object = join(folder, `${source.replace(/\//g, "_")}.o`);
    const sanitizers = `-fsanitize=fuzzer-no-link,${SANITIZERS}`;
    run("clang", [
      ...FLAGS,
      sanitizers,
      ...INCLUDES,
      ...definesOf("all"),
      "-c",
      join(STUBS, source),
      "-o",
      object,
    ]);
    return object;
  });
}

/** What a program that may run long says on stderr, and its exit code. */
function runLong(program, args) {
  return new Promise((resolve) => {
    let told = "";
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      told += text;
    });
    child.once("error", (error) => resolve({ status: -1, told: error.message }));
    child.once("close", (status) => resolve({ status, told }));
  });
}

async function fuzz(name, library, runs, { seed, keep }) {
  const program = join(FOLDER, name);
  const found = join(FOLDER, `${name}-found`);
  const kept = join(FUZZ, "corpus", name);
  rmSync(found, { recursive: true, force: true });
  mkdirSync(found, { recursive: true });
  mkdirSync(kept, { recursive: true });
  const source = join(FUZZ, `${name}.c`);
  const flags = [...FLAGS, `-fsanitize=fuzzer,${SANITIZERS}`, ...INCLUDES, ...definesOf("all")];
  run("clang", [...flags, source, ...library, "-o", program]);
  const limits = [
    `-max_len=${LONGEST[name] ?? 4200}`,
    "-timeout=20",
    "-rss_limit_mb=1024",
    "-len_control=20",
  ];
  const settings = [
    `-runs=${runs}`,
    `-seed=${seed}`,
    "-print_final_stats=1",
    `-artifact_prefix=${FOLDER}/${name}-failed-`,
  ];
  const begun = Date.now();
  const { status, told } = await runLong(program, [...settings, ...limits, found, kept]);
  const executed = Number(/^stat::number_of_executed_units: *(\d+)/m.exec(told)?.[1] ?? 0);
  const coverage = Number([...told.matchAll(/ cov: (\d+) /g)].at(-1)?.[1] ?? 0);
  const isRight = status === 0 && executed >= runs && coverage > 0;
  // Only what reaches a new edge: how often edges are taken would keep ten times as many.
  if (isRight && keep) spawnSync(program, ["-merge=1", "-use_counters=0", kept, found], { encoding: "utf8" });
  const seconds = (Date.now() - begun) / 1000;
  return { name, executed, coverage, seconds, told: isRight ? "" : told.slice(-5000) };
}

/** Inputs of each entry point. */
function runsOf(names, { runs, total }) {
  if (total === undefined) return names.map(() => Number(runs));
  const shares = names.map((name) => SHARES[name] ?? 1);
  const sum = shares.reduce((all, share) => all + share, 0);
  return shares.map((share) => Math.ceil((share * Number(total)) / sum));
}

function textOf(rows, head) {
  const executed = sumOf(rows, "executed");
  return [
    "# libFuzzer on the C side",
    "",
    "`scripts/firmware/fuzz.mjs`: clang's libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer, from the corpus that is kept.",
    "`target` and `rescuer` are the whole machines with steps of time; `session` is a rescuer and a target on one wire.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["entry point", "executions", "places reached", "seconds", "reports"],
      [
        ...rows.map((row) => [
          row.name,
          row.executed,
          row.coverage,
          row.seconds.toFixed(0),
          row.told === "" ? 0 : 1,
        ]),
        ["all", executed, "", "", rows.filter(({ told }) => told !== "").length],
      ],
    ),
    "",
  ].join("\n");
}

await runBench(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "10000" },
      total: { type: "string" },
      only: { type: "string" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      evidence: { type: "boolean", default: false },
    },
  });
  const names = fuzzEntries().filter((name) => values.only === undefined || name === values.only);
  if (names.length === 0) throw new Error(`--only: there is no entry point "${values.only}"`);
  const counts = runsOf(names, values);
  if (!counts.every((count) => count > 0)) throw new Error("--runs or --total is not a number above 0");
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1) throw new Error("--workers is not a whole number above 0");
  const library = objects();
  const rows = [];
  const left = [...names.entries()];
  async function work() {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [i, name] = next;
      const row = await fuzz(name, library, counts[i], values);
      rows[i] = row;
      process.stderr.write(
        `${name.padEnd(14)} ${row.executed} executions, ${row.seconds.toFixed(1)} s\n${row.told}`,
      );
    }
  }
  await Promise.all(Array.from({ length: workers }, work));
  const head = recordHead("libfuzzer", `seed ${values.seed}`, []);
  const markdown = textOf(rows, head);
  process.stdout.write(`${markdown}\n`);
  if (values.evidence) writeRecord(EVIDENCE, { ...head, rows }, markdown);
  return rows.every(({ executed, told }) => executed > 0 && told === "");
});
