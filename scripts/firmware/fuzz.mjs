#!/usr/bin/env node
import { spawnSync } from "node:child_process";
// Runs the entry points of firmware-stubs/tests/fuzz under libFuzzer with the sanitizers: `--runs N` inputs each (10,000),
// `--only NAME`. Inputs that were kept lie in tests/fuzz/corpus/NAME; what is found besides goes to build/firmware/fuzz, and what
// fails stays there. `--keep` adds to the corpus what reached new code. Exit code 1 when one was reported.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { definesOf } from "./configurations.mjs";
import { run } from "./native.mjs";
import { BUILD, INCLUDES, STUBS, sourcesOf } from "./sources.mjs";

const FUZZ = join(STUBS, "tests/fuzz");
const FOLDER = join(BUILD, "fuzz");
const FLAGS = ["-std=c99", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];
const SANITIZERS = "address,undefined";
/** Longest input in bytes, where it is not that of a frame. */
const LONGEST = {
  envelope: 700,
  trust_store: 2049,
  tree: 540,
  runs: 4096,
  session: 4096,
  target: 8192,
  rescuer: 8192,
  record: 8192,
};

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
}

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

function fuzz(name, library, runs) {
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
    "-seed=1",
    "-print_final_stats=1",
    `-artifact_prefix=${FOLDER}/${name}-failed-`,
  ];
  const begun = Date.now();
  const result = spawnSync(program, [...settings, ...limits, found, kept], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const told = result.error ? result.error.message : result.stderr;
  const executed = Number(/^stat::number_of_executed_units: *(\d+)/m.exec(told)?.[1] ?? 0);
  const coverage = Number([...told.matchAll(/ cov: (\d+) /g)].at(-1)?.[1] ?? 0);
  const isRight = result.status === 0 && executed >= runs && coverage > 0;
  if (isRight && process.argv.includes("--keep"))
    spawnSync(program, ["-merge=1", kept, found], { encoding: "utf8" });
  return { executed, coverage, seconds: (Date.now() - begun) / 1000, told: isRight ? "" : told.slice(-5000) };
}

const runs = Number(option("--runs", "10000"));
const only = option("--only", undefined);
const names = readdirSync(FUZZ)
  .filter((name) => name.endsWith(".c"))
  .map((name) => name.replace(/\.c$/, ""))
  .filter((name) => only === undefined || name === only);
if (names.length === 0 || !existsSync(FUZZ)) throw new Error("no entry point to run");
const library = objects();
let executed = 0;
let reports = 0;
for (const name of names) {
  const result = fuzz(name, library, runs);
  executed += result.executed;
  if (result.told !== "") reports++;
  const verdict = result.told === "" ? "no report" : "REPORT";
  process.stdout.write(
    `${name.padEnd(14)} ${String(result.executed).padStart(9)} executions, ${String(result.coverage).padStart(5)} places reached, ${result.seconds.toFixed(1).padStart(6)} s, ${verdict}\n${result.told}`,
  );
}
process.stdout.write(`${executed} executions, ${reports} reports\n`);
process.exitCode = reports > 0 || executed === 0 ? 1 : 0;
