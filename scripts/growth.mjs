#!/usr/bin/env node
// Every reserved frame, flag, extension, kind and codec, at random in the middle of sessions of this tree, and of an older one.
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  headLines,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:growth -- [--seeds N] [--base DIR] [--out docs/evidence/growth]

N sessions (10000) of test/session/growth.test.ts. DIR is a checkout of an older commit with node_modules: the same sessions
run there too, after two files were copied into it. Exit 0: all sessions were healed, and skipped what they do not know. 1: one
was not. 2: usage.
`;
const TEST = "test/session/growth.test.ts";
const COPIED = [TEST, "src/wire/reserved.ts"];

/** Sessions of one process. */
const SHARE = 500;

/** Runs some sessions in a checkout; gives what the test printed, and whether it passed. */
function share(folder, from, seeds) {
  const args = ["vitest", "run", TEST, "-t", "skips all that is new"];
  const env = { ...process.env, GROWTH_FROM: String(from), GROWTH_SEEDS: String(seeds) };
  const { status, stdout } = spawnSync("npx", args, { cwd: folder, env, encoding: "utf8" });
  const line = /^(\d+) sessions, (\d+) new frames, (\{.*\})$/m.exec(stdout);
  if (status !== 0 || line === null) process.stdout.write(stdout);
  const counts = line === null ? {} : JSON.parse(line[3]);
  return { passed: status === 0 && line !== null, sessions: Number(line?.[1] ?? 0), counts };
}

/** All sessions of a checkout, in shares. */
function sessions(folder, seeds) {
  const all = { passed: true, sessions: 0 };
  for (let from = 0; from < seeds; from += SHARE) {
    const { passed, sessions: count, counts } = share(folder, from, Math.min(SHARE, seeds - from));
    all.passed &&= passed;
    all.sessions += count;
    for (const [kind, of] of Object.entries(counts)) all[kind] = (all[kind] ?? 0) + of;
    process.stderr.write(`${folder}: ${all.sessions} of ${seeds} sessions\n`);
  }
  return all;
}

function commitOf(folder) {
  const { stdout } = spawnSync("git", ["rev-parse", "HEAD"], { cwd: folder, encoding: "utf8" });
  return stdout.trim();
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "10000" },
      base: { type: "string" },
      out: { type: "string" },
    },
  });
  const seeds = Number(values.seeds);
  if (!Number.isInteger(seeds) || seeds < 1)
    throw new BenchUsageError(`--seeds ${values.seeds}: not a number`);
  const runs = [{ tree: `commit ${commitOf(".")}`, ...sessions(".", seeds) }];
  if (values.base !== undefined) {
    for (const path of COPIED) copyFileSync(path, join(values.base, path));
    runs.push({ tree: `commit ${commitOf(values.base)}`, ...sessions(values.base, seeds) });
  }
  const kinds = ["announcement", "control", "class", "flags", "codecs", "extensions", "object", "data"];
  const head = recordHead("growth", `seeds 0 to ${seeds - 1}`, []);
  const markdown = [
    "# What version 1 may still add, in the middle of sessions",
    "",
    "Frames of reserved and unknown announcements, controls and classes beside the session's own; reserved flags of a beacon,",
    "spare bits and later codecs of an accept, reserved extensions in all messages; packets of reserved and unknown kinds of",
    "object, and in later codecs. Each session has to end as healed with the firmware exact, no packet sent again, and no frame",
    "dropped but the new ones. Again: `npm run evidence:growth -- --base DIR`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["tree", "sessions", "all right", ...kinds],
      runs.map((run) => [
        run.tree,
        run.sessions,
        run.passed ? "yes" : "NO",
        ...kinds.map((kind) => run[kind] ?? 0),
      ]),
    ),
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(values.out, { ...head, runs }, markdown);
  return runs.every(({ passed }) => passed);
}

await runBench(USAGE, main);
