#!/usr/bin/env node
// What healing costs beside the line: start and end of the commands, processor, memory, stalls, and the core alone.
// See docs/testing.md, "Cost".
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  headLines,
  parseNumbers,
  recordHead,
  round,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";
import { corePart, memoryPart, processorPart, stallsPart, startPart, wholePart } from "./cost/parts.mjs";

const PARTS = {
  start: startPart,
  whole: wholePart,
  processor: processorPart,
  stalls: stallsPart,
  core: corePart,
  memory: memoryPart,
};

const USAGE = `usage: npm run bench:cost -- [options]

Measures what healing costs over a virtual cable, and prints each figure beside the one that is asked for. Needs a machine
with nothing else to do.

  --only PART    of ${Object.keys(PARTS).join(", ")}; repeatable
  --runs N       measurements of each figure, of which the median counts (default 5; memory: one)
  --out BASE     writes BASE.json and BASE.md
`;

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      runs: { type: "string", default: "5" },
      out: { type: "string" },
    },
  });
  const parts = values.only ?? Object.keys(PARTS);
  for (const part of parts)
    if (!Object.hasOwn(PARTS, part))
      throw new BenchUsageError(`--only: there is no ${part}, only ${Object.keys(PARTS).join(", ")}`);
  const [runs] = parseNumbers("runs", values.runs, 1, 1000);
  return { parts, runs, out: values.out };
}

await runBench(USAGE, async () => {
  const { parts, runs, out } = options();
  const head = { ...recordHead("cost", "virtual cable", []), runs, load: round(loadavg()[0]) };
  const folder = mkdtempSync(join(tmpdir(), "mayday-cost-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const rows = [];
  for (const part of parts) {
    const found = await PARTS[part](folder, runs);
    for (const row of found) process.stderr.write(`${row.join(" | ")}\n`);
    rows.push(...found);
  }
  const text = `${[
    "# What healing costs",
    "",
    ...headLines(head),
    `- load average at the start: ${head.load}`,
    "",
    `Medians of ${runs} unless the row says otherwise. Processor time and memory include the start of the process.`,
    "",
    ...tableText(["figure", "measured", "asked"], rows),
  ].join("\n")}\n`;
  process.stdout.write(text);
  writeRecord(out, { ...head, rows }, text);
  return true;
});
