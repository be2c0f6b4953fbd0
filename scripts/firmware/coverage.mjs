#!/usr/bin/env node
// Which branches of the C side its native tests and the kept inputs of the fuzzer take, by gcov.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
  headLines,
  percent,
  recordHead,
  runBench,
  sumOf,
  tableText,
  writeRecord,
} from "../../hw-loopback/lib.mjs";
import { definesOf } from "./configurations.mjs";
import { build, run, runTests } from "./native.mjs";
import { BUILD, FUZZ, fuzzEntries, INCLUDES, ROOT, STUBS, sourcesOf } from "./sources.mjs";

const USAGE = `usage: node scripts/firmware/coverage.mjs [--lines] [--evidence]

Prints branches taken and lines run, by file of firmware-stubs/src. --lines names the lines with a branch that is never taken.
--evidence writes "firmware-coverage" in docs/evidence. Exit 0: 90 % of the branches were taken at least. 1: otherwise.
2: usage.
`;
const EVIDENCE = "docs/evidence/firmware-coverage";
/** Share of the branches that has to be taken. */
const FLOOR = 0.9;
const FLAGS = "-m64 -O0 --coverage";

/** Builds and runs the tests; gives the folder with their counts. */
function runNative() {
  const variant = { name: "gcc-64-coverage", compiler: "gcc", cFlags: FLAGS };
  const folder = build(variant);
  for (const file of readdirSync(folder, { recursive: true }))
    if (file.endsWith(".gcda")) rmSync(join(folder, file));
  const results = runTests(folder);
  const wrong = results.filter(({ failed }) => failed > 0);
  if (wrong.length > 0) throw new Error(`${wrong[0].test}:\n${wrong[0].told.slice(-2000)}`);
  return { folder, checks: results.reduce((sum, { checks }) => sum + checks, 0) };
}

/** Hands the kept inputs to the entry points, over the same libraries. @returns how many there were. */
function runKept(folder) {
  const out = join(BUILD, "coverage");
  mkdirSync(out, { recursive: true });
  const libraries = readdirSync(folder)
    .filter((name) => /^libmayday_(target|rescuer|common)\.a$/.test(name))
    .map((name) => join(folder, name));
  let inputs = 0;
  for (const name of fuzzEntries()) {
    const corpus = join(FUZZ, "corpus", name);
    const files = existsSync(corpus) ? readdirSync(corpus).map((file) => join(corpus, file)) : [];
    const program = join(out, name);
    const flags = [...FLAGS.split(" "), ...INCLUDES, ...definesOf("all")];
    const sources = [join(FUZZ, `${name}.c`), join(STUBS, "tests/replay.c")];
    run("gcc", [...flags, ...sources, "-Wl,--start-group", ...libraries, "-Wl,--end-group", "-o", program], {
      cwd: out,
    });
    if (files.length > 0) run(program, files);
    inputs += files.length;
  }
  return inputs;
}

/** What gcov counted of each source. Throws when one was never run. */
function allCounts(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".gcda"));
  return sourcesOf("all").map((source) => {
    const data = files.find((file) => file.endsWith(`${source}.gcda`));
    if (data === undefined) throw new Error(`never run: ${source}`);
    return countsOf(folder, data, source);
  });
}

function countsOf(folder, data, source) {
  const told = run("gcov", ["--json-format", "--stdout", "--branch-probabilities", join(folder, data)]);
  const { files } = JSON.parse(told);
  const own = files.find(({ file }) => relative(STUBS, file) === source);
  const lines = own?.lines ?? [];
  const branches = lines.flatMap((line) =>
    line.branches.map(({ count }) => ({ line: line.line_number, count })),
  );
  return {
    source,
    lines: lines.length,
    run: lines.filter(({ count }) => count > 0).length,
    branches: branches.length,
    taken: branches.filter(({ count }) => count > 0).length,
    missed: [...new Set(branches.filter(({ count }) => count === 0).map(({ line }) => line))],
  };
}

function textOf(rows, head) {
  const cells = (name, of) => [
    name,
    `${sumOf(of, "taken")} of ${sumOf(of, "branches")}`,
    percent(sumOf(of, "taken"), sumOf(of, "branches")),
    `${sumOf(of, "run")} of ${sumOf(of, "lines")}`,
    percent(sumOf(of, "run"), sumOf(of, "lines")),
  ];
  return [
    "# Branches of the C side that its tests take",
    "",
    "`scripts/firmware/coverage.mjs`: gcov over the native tests (`vectors/`, sessions) and the kept inputs of the fuzzer, in the build",
    "with all there is. The comparison with the TypeScript side, the power cuts and the boards in QEMU are not counted.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["file", "branches", "share", "lines", "share"],
      [...rows.map((row) => cells(row.source, [row])), cells("all", rows)],
    ),
    "",
  ].join("\n");
}

await runBench(USAGE, () => {
  const { values } = parseArgs({
    options: { lines: { type: "boolean", default: false }, evidence: { type: "boolean", default: false } },
  });
  const { folder, checks } = runNative();
  const inputs = runKept(folder);
  const rows = allCounts(folder);
  const head = recordHead("firmware-coverage", `${checks} checks, ${inputs} kept inputs`, []);
  const markdown = textOf(rows, head);
  process.stdout.write(`${markdown}\n`);
  if (values.lines)
    for (const { source, missed } of rows)
      if (missed.length > 0)
        process.stdout.write(`${relative(ROOT, join(STUBS, source))}: ${missed.join(" ")}\n`);
  if (values.evidence) writeRecord(EVIDENCE, { ...head, rows }, markdown);
  return sumOf(rows, "branches") > 0 && sumOf(rows, "taken") >= FLOOR * sumOf(rows, "branches");
});
