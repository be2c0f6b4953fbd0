#!/usr/bin/env node
// Mutation testing with StrykerJS, a folder of src/ at a time, and its record: docs/evidence/mutation.md and .json.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  headLines,
  recordHead,
  round,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const FOLDERS = ["wire", "files", "image", "image-files", "flash"];
/** What each folder and all together must reach, in percent of the mutants that are not left out. */
const SCORE_MIN = 80;
const USAGE = `usage: npm run evidence:mutation -- [FOLDER]... [--report] [--force] [--out docs/evidence/mutation]

Runs StrykerJS on src/FOLDER, of ${FOLDERS.join(", ")}: all when none is named. What a run finds is kept in .mutation/,
and the next one tries only what has changed since; --force tries all again. --report runs nothing.
Exit 0: each folder was run, has a score of ${SCORE_MIN} % and each survivor an explanation in scripts/mutation-survivors.json.
`;
/** Groups of survivors: why they may survive, and which they are, by file, mutator and the text of their line. */
const EXPLAINED = JSON.parse(readFileSync(new URL("mutation-survivors.json", import.meta.url), "utf8"));

const resultOf = (folder) => `.mutation/${folder}.json`;

function run(folder, isForced) {
  const args = ["stryker", "run", "--mutate", `src/${folder}/**/*.ts`, "--incrementalFile", resultOf(folder)];
  const env = { ...process.env, MUTATE: folder };
  const started = Date.now();
  const { status } = spawnSync("npx", isForced ? [...args, "--force"] : args, { stdio: "inherit", env });
  if (status !== 0) throw new Error(`StrykerJS failed on src/${folder} (exit ${status})`);
  // A mutant that closes a descriptor too many can take a worker with it, and StrykerJS ends well without a result.
  const isWritten = existsSync(resultOf(folder)) && statSync(resultOf(folder)).mtimeMs >= started;
  if (!isWritten) throw new Error(`StrykerJS ended without a result for src/${folder}: run it again`);
}

/** Counts of the mutants of some files. */
function countsOf(mutants) {
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const killed = count("Killed", "RuntimeError", "CompileError");
  const timeout = count("Timeout");
  const [survived, noCoverage, ignored] = [count("Survived"), count("NoCoverage"), count("Ignored")];
  const judged = killed + timeout + survived + noCoverage;
  const score = judged === 0 ? 100 : round(((killed + timeout) / judged) * 100);
  return { killed, timeout, survived, noCoverage, ignored, score };
}

/** What one mutant changes: file and place, the line it is in, the text that it replaces, and with what. */
function describe(file, source, { location: { start, end }, mutatorName, replacement, status }) {
  const lines = source.split("\n");
  const line = lines[start.line - 1].trim();
  const whole =
    start.line === end.line ? lines[start.line - 1].slice(start.column - 1, end.column - 1) : "...";
  return { file, line: start.line, text: line, mutator: mutatorName, was: whole, now: replacement, status };
}

function isOfGroup({ file, text, mutator, now }, { mutants }) {
  return mutants.some(
    (known) =>
      known.file === file &&
      known.text === text &&
      (known.mutator === undefined || known.mutator === mutator) &&
      (known.now === undefined || known.now === now),
  );
}

const code = (text) => `\`${text.replace(/\s+/g, " ").replaceAll("|", "\\|")}\``;
const survivorLine = ({ file, line, mutator, was, now }) =>
  `- ${file}:${line}, ${mutator}: ${code(was)} as ${code(now === "" ? "(nothing)" : now)}`;

function tableOf(files) {
  const cells = (name, { killed, timeout, survived, noCoverage, ignored, score }) => [
    name,
    killed,
    timeout,
    survived,
    noCoverage,
    ignored,
    `${score.toFixed(1)} %`,
  ];
  const of = (folder) => files.filter(({ file }) => file.startsWith(`src/${folder}/`));
  const sum = (list) => countsOf(list.flatMap(({ mutants }) => mutants));
  const rows = FOLDERS.filter((folder) => of(folder).length > 0).flatMap((folder) => [
    ...of(folder).map(({ file, mutants }) => cells(file, countsOf(mutants))),
    cells(`**src/${folder}**`, sum(of(folder))),
  ]);
  const head = ["file", "killed", "timeout", "survived", "no coverage", "left out", "score"];
  const scores = FOLDERS.map((folder) => ({ folder, ...sum(of(folder)) }));
  return { lines: tableText(head, [...rows, cells("**all**", sum(files))]), scores, all: sum(files) };
}

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

async function main() {
  const options = { report: { type: "boolean" }, force: { type: "boolean" }, out: { type: "string" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.find((folder) => !FOLDERS.includes(folder));
  if (unknown !== undefined)
    throw new BenchUsageError(`src/${unknown} is not mutated: ${FOLDERS.join(", ")} are`);
  if (!values.report)
    for (const folder of positionals.length > 0 ? positionals : FOLDERS) run(folder, values.force);
  const done = FOLDERS.filter((folder) => existsSync(resultOf(folder)));
  const missing = FOLDERS.filter((folder) => !done.includes(folder));

  const files = done
    .flatMap((folder) => {
      const { files: found } = JSON.parse(readFileSync(resultOf(folder), "utf8"));
      return Object.entries(found).map(([file, { source, mutants }]) => ({ file, source, mutants }));
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  const survivors = files.flatMap(({ file, source, mutants }) =>
    mutants
      .filter(({ status }) => status === "Survived" || status === "NoCoverage")
      .map((mutant) => describe(file, source, mutant)),
  );
  const groups = EXPLAINED.map((group) => ({
    ...group,
    found: survivors.filter((s) => isOfGroup(s, group)),
  }));
  const open = survivors.filter((survivor) => !EXPLAINED.some((group) => isOfGroup(survivor, group)));
  const { lines, scores, all } = tableOf(files);
  const tools = `StrykerJS ${versionOf("@stryker-mutator/core")}, vitest ${versionOf("vitest")}, concurrency 2`;
  const head = recordHead("mutation", tools, []);
  const markdown = [
    "# Mutation testing",
    "",
    "Again: `npm run evidence:mutation`; how it works is in [testing.md](../testing.md).",
    "",
    ...headLines(head),
    "",
    "Score: killed and timed out, of all that are not left out. Left out is text for people (messages of errors), which",
    "no test may match.",
    "",
    ...lines,
    "",
    ...missing.map((folder) => `src/${folder} was not run.`),
    `${survivors.length} survivors, ${open.length} of them without explanation.`,
    ...groups
      .filter(({ found }) => found.length > 0)
      .flatMap(({ name, why, found }) => [
        "",
        `## ${name} (${found.length})`,
        "",
        why,
        "",
        ...found.map(survivorLine),
      ]),
    ...(open.length === 0
      ? []
      : ["", `## Without explanation (${open.length})`, "", ...open.map(survivorLine)]),
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(
    values.out,
    { ...head, folders: scores, all, survivors: survivors.length, open: open.length },
    `${markdown}\n`,
  );
  return missing.length === 0 && open.length === 0 && scores.every(({ score }) => score >= SCORE_MIN);
}

await runBench(USAGE, main);
