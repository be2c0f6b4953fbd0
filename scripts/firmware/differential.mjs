#!/usr/bin/env node
// Hands the same inputs to the C side and to the TypeScript side, and compares what each makes of them: frames, manifests, trust
// stores, boot records, boards, and whole sessions of 20 frames. What differs on purpose is in lab/firmware/known-differences.ts.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
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
import { macrosOf } from "./configurations.mjs";
import { buildModule } from "./wasm.mjs";

const USAGE = `usage: node scripts/firmware/differential.mjs [--count N] [--seed S] [--workers 2] [--kinds KIND,...] [--evidence]
       node scripts/firmware/differential.mjs --case KIND:SEED      one input again, with all that both sides say

--evidence writes "differential" in docs/evidence. Exit 0: nothing differed, at least a third of the inputs was taken by both
sides, and a tenth were sessions. 1: otherwise. 2: usage.
`;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OUT = "build/lab-firmware";
const EVIDENCE = "docs/evidence/differential";
const ACCEPTED_SHARE_MIN = 1 / 3;
const SESSION_SHARE_MIN = 0.1;

function run(command, args, options) {
  const done = spawnSync(command, args, { cwd: ROOT, ...options });
  if (done.error !== undefined) throw done.error;
  return done;
}

/** Compiles both sides, that of C with link keys, as proofs are not read without; the command line of the program that compares them. */
function build() {
  const compiled = run("npx", ["tsc", "-p", "tsconfig.lab.json", "--outDir", OUT], { stdio: "inherit" });
  if (compiled.status !== 0) throw new Error("the TypeScript side does not compile");
  return [`${OUT}/lab/firmware/main.js`, "--wasm", buildModule("differential", macrosOf("all"))];
}

/** Inputs of one process: what it holds is let go of with it. */
const PART = 50_000;
/** Processes that were ended from outside are begun again so often. */
const ENDED_MAX = 3;

/** What came of some inputs, from a process of its own. */
function compare(program, args) {
  for (let ended = 0; ; ended++) {
    const options = { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 2 ** 30 };
    const { status, signal, stdout } = run(process.execPath, [...program, ...args], options);
    if (status === 0) return JSON.parse(stdout);
    const isEnded = signal === "SIGTERM" || signal === "SIGKILL";
    if (!isEnded || ended === ENDED_MAX)
      throw new Error(`the comparison broke off with ${signal ?? status}: ${args.join(" ")}`);
    process.stderr.write(`ended by ${signal}, again: ${args.join(" ")}\n`);
  }
}

/** Adds up what came of each kind. */
function addUp(all, rows) {
  for (const row of rows) {
    const before = all.get(row.kind) ?? { ...row, inputs: 0, accepted: 0, differences: 0, reported: [] };
    const [inputs, accepted, differences] = ["inputs", "accepted", "differences"].map(
      (field) => before[field] + row[field],
    );
    all.set(row.kind, {
      ...row,
      inputs,
      accepted,
      differences,
      reported: [...before.reported, ...row.reported].slice(0, 10),
    });
  }
}

/** Which shares are missed, and what differed; nothing when all is well. */
function faultsOf(rows, isWhole) {
  const [inputs, accepted] = [sumOf(rows, "inputs"), sumOf(rows, "accepted")];
  const sessions = rows.find(({ kind }) => kind === "session")?.inputs ?? 0;
  const faults = rows.flatMap(({ kind, reported }) =>
    reported.map(
      ({ id, difference, inputHex }) => `${kind}: ${difference}\n  input ${inputHex}\n  again: --case ${id}`,
    ),
  );
  if (inputs === 0) faults.push("there was no input");
  if (isWhole && accepted < ACCEPTED_SHARE_MIN * inputs)
    faults.push(`only ${accepted} inputs were taken by both sides`);
  if (isWhole && sessions < SESSION_SHARE_MIN * inputs) faults.push(`only ${sessions} inputs are sessions`);
  return faults;
}

function textOf({ rows, known }, head, seconds) {
  const [inputs, accepted, differences] = ["inputs", "accepted", "differences"].map((field) =>
    sumOf(rows, field),
  );
  const cells = rows.map((row) => [
    row.kind,
    row.inputs,
    row.accepted,
    percent(row.accepted, row.inputs),
    row.differences,
  ]);
  return [
    "# The same inputs to the C side and to the TypeScript side",
    "",
    "`scripts/firmware/differential.mjs`, `lab/firmware/`: the C side as WebAssembly, in one process with the TypeScript side. A session",
    "is 20 frames that both targets hear at the same virtual times, with losses, repeats, damage, other rescuers and power cuts; it is",
    "taken by both when a manifest was accepted in it. Compared are answers, questions, status, boot record and slots, after each frame.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["kind", "inputs", "taken by both", "share", "differences"],
      [...cells, ["all", inputs, accepted, percent(accepted, inputs), differences]],
    ),
    "",
    `It took ${Math.round(seconds)} s. What is not compared, as it differs on purpose or since the text leaves it open:`,
    "",
    ...tableText(
      ["difference", "reason", "how it is left out"],
      known.map(({ what, why, how }) => [what, why, how]),
    ),
    "",
  ].join("\n");
}

await runBench(USAGE, () => {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "1000000" },
      seed: { type: "string", default: "0" },
      workers: { type: "string", default: "2" },
      kinds: { type: "string" },
      case: { type: "string" },
      evidence: { type: "boolean", default: false },
    },
  });
  const program = build();
  if (values.case !== undefined)
    return run(process.execPath, [...program, "--case", values.case], { stdio: "inherit" }).status === 0;
  const begin = performance.now();
  const [count, seed] = [Number(values.count), Number(values.seed)];
  const kinds = values.kinds === undefined ? [] : ["--kinds", values.kinds];
  const all = new Map();
  let known = [];
  for (let from = 0; from < count; from += PART) {
    const part = [
      "--count",
      Math.min(PART, count - from),
      "--seed",
      seed + from,
      "--workers",
      values.workers,
    ].map(String);
    const result = compare(program, [...part, ...kinds]);
    known = result.known;
    addUp(all, result.rows);
    process.stderr.write(
      `${Math.min(from + PART, count)} of ${count}, ${Math.round((performance.now() - begin) / 1000)} s\n`,
    );
  }
  const result = { rows: [...all.values()], known };
  const seconds = (performance.now() - begin) / 1000;
  const head = recordHead("differential", `seeds from ${values.seed}, ${values.count} inputs`, []);
  const markdown = textOf(result, head, seconds);
  process.stdout.write(`${markdown}\n`);
  if (values.evidence) writeRecord(`${ROOT}${EVIDENCE}`, { ...head, seconds, ...result }, markdown);
  const faults = faultsOf(result.rows, values.kinds === undefined);
  for (const fault of faults) process.stdout.write(`${fault}\n`);
  return faults.length === 0;
});
