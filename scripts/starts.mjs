#!/usr/bin/env node
// Commands that start where a shell, a getty or a boot loader reads the line.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  headLines,
  recordHead,
  runBench,
  sumOf,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:starts -- [--starts N] [--from SEED] [--at-once N] [--out docs/evidence/starts]

N starts (200) of test/cli/starts/, one a seed, from SEED (1) on: \`mayday rescue\`, \`node\`, \`status\`, \`dispatch\` and \`distress\` on a line
that a bash, a getty with login or a U-Boot in QEMU reads; ten seconds each, one in ten a minute. --starts 1 --from SEED repeats one.
Two machines run in QEMU at a time, and --at-once N (8) others. Exit 0: nothing was executed, nothing broken off, each countdown
reached 0, and no board in distress called in spite of text. 1: not so, or nothing was looked at. 2: usage.
`;
const TEST = "test/cli/starts/starts.test.ts";
/** Boards in distress, which have to speak first. */
const CALLERS = ["distress", "node-called"];
const NAMES = { "node-called": "node, its board does not boot" };
const COLUMNS = [
  "starts",
  "before",
  "printing",
  "at-rest",
  "in-session",
  "bash",
  "getty",
  "u-boot",
  "a minute",
];

function count(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new BenchUsageError(`--${name} ${text}: not a number`);
  return value;
}

/** Plays the starts in a process of its own; what each of them was. */
async function play(from, starts, atOnce) {
  const folder = mkdtempSync(join(tmpdir(), "mayday-starts-"));
  const out = join(folder, "starts.json");
  const env = {
    ...process.env,
    STARTS_FROM: String(from),
    STARTS_COUNT: String(starts),
    STARTS_IDLE: String(atOnce),
    STARTS_OUT: out,
  };
  try {
    const child = spawn("npx", ["vitest", "run", TEST], { env, stdio: ["ignore", "ignore", "inherit"] });
    const isOver = new Promise((resolve) => child.once("close", resolve));
    const told = setInterval(
      () => process.stderr.write(`${resultsIn(out).length} of ${starts} starts\n`),
      30_000,
    );
    await isOver;
    clearInterval(told);
    return resultsIn(out).sort((a, b) => a.start.seed - b.start.seed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultsIn(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return [];
  }
}

/** One line of the table for the starts of each command. */
function rowsOf(results) {
  const starters = [...new Set(results.map(({ start }) => start.starter))].sort();
  return starters.map((starter) => {
    const own = results.filter(({ start }) => start.starter === starter);
    const having = (isIt) => own.filter(isIt).length;
    const cells = COLUMNS.slice(1, -1).map((kind) =>
      having(({ start }) => start.moment === kind || start.console === kind),
    );
    return [
      NAMES[starter] ?? starter,
      own.length,
      ...cells,
      having(({ start }) => start.watchMs >= 60_000),
      having(({ typed }) => typed === 0),
      sumOf(own, "typed"),
      sumOf(own, "typedInSpite"),
      having(({ executed }) => executed.length > 0),
      having(({ aborted }) => aborted.length > 0),
      having(({ faults }) => faults.length > 0),
    ];
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      starts: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      "at-once": { type: "string", default: "8" },
      out: { type: "string" },
    },
  });
  const first = count("from", values.from);
  const total = count("starts", values.starts);
  const begun = performance.now();
  const results = await play(first, total, count("at-once", values["at-once"]));
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
  const faults = results.flatMap(({ start, faults: told }) => told.map((fault) => ({ start, fault })));
  const silent = results.filter(({ start }) => !CALLERS.includes(start.starter));
  const countdowns = silent.filter(({ start }) => start.console === "u-boot");
  const head = recordHead("starts", `seeds ${first} to ${first + total - 1}, ${minutes} minutes`, []);
  const markdown = [
    "# Starts where somebody else reads the line",
    "",
    "Each start is a real command at one end of a virtual cable, and at the other a real `bash -i`, an `agetty` with login, or U-Boot",
    "in QEMU with its countdown. The seed draws command, console, line rate (9,600 to 921,600), and the moment: before the console is",
    "switched on, while it prints and counts down, at rest at its prompt, or after a reset that ended a session with a real board.",
    "Each is watched for ten seconds, one in ten for a minute. bash writes down each prompt and command, getty's questions are counted,",
    "U-Boot's prompts and its countdown are read. At the end a line is typed that the console has to answer: else nothing was looked at.",
    "A reset board is silent for 1.5 s at least, 2.5 s at 9,600 baud, before the next byte of what it starts; U-Boot's UART is on from its banner on.",
    "Again: `npm run evidence:starts`; one: `npm run evidence:starts -- --starts 1 --from SEED`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      [
        "command",
        ...COLUMNS,
        "starts that typed nothing",
        "bytes typed",
        "of them in spite of text",
        "executed something",
        "broke something off",
        "faults",
      ],
      rowsOf(results),
    ),
    "",
    `${silent.length} starts of commands that do not call for help: ${silent.filter(({ executed }) => executed.length > 0).length} executed something, ` +
      `${silent.filter(({ aborted }) => aborted.length > 0).length} broke something off; ${countdowns.filter(({ aborted }) => aborted.length === 0).length} of ${countdowns.length} U-Boots counted down to 0 and stayed at their prompt.`,
    "",
    "What is typed is queries whose bytes were drawn so that they execute nothing; those of a board in distress carry its call under a",
    "mask (PROTOCOL.md 2.4, 5.1). `mayday distress` calls at once, and stops the countdown of a U-Boot that was counting when it started:",
    "that is counted here, and is no fault. All else is one.",
    "",
    ...faults.map(({ start, fault }) => `- seed ${start.seed}: ${fault.split("\n", 1)[0]}`),
    ...(faults.length > 0 ? [""] : []),
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(values.out, { ...head, results }, markdown);
  return faults.length === 0 && results.length === total;
}

await runBench(USAGE, main);
