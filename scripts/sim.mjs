#!/usr/bin/env node
// The campaign of the simulator of many boards: seeds with faults, on all topologies, and what its checkers found.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import {
  BenchUsageError,
  headLines,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:sim -- [--from N] [--seeds N] [--workers N] [--resume FILE] [--staged] [--out docs/evidence/sim]

With --staged the updates are staged: rings, soak times, link keys (docs/evidence/sim-staged). N seeds (10000) of src/sim/many/campaign.ts, from seed N (0) on, in N workers (2); a hundred of them once more in another process,
event by event. With --resume what was run is kept in FILE, and not run again. Exit 0: no rule was broken, all boards were well,
and all replays were the same. 1: otherwise, with one command for each seed that shows it again. 2: usage.
`;
const WORKER = fileURLToPath(new URL("sim-worker.mjs", import.meta.url));

/** Seeds that a worker runs between two messages. */
const SHARE = 24;
/** Seeds that are run again in another process. */
const REPLAYED = 100;

/** Adds up outcomes: counts, failures, and digests of the seeds that are run again. */
class Totals {
  seeds = 0;
  virtualMs = 0;
  slowestMs = 0;
  sums = {};
  failures = [];
  digests = {};

  constructor(isReplayed) {
    this.isReplayed = isReplayed;
  }

  add(outcome) {
    const { seed, violations, replay, digest, events, endedAt, spreads, lookedAt, gates, faults } = outcome;
    this.seeds++;
    this.virtualMs += endedAt;
    this.slowestMs = Math.max(this.slowestMs, endedAt);
    for (const [name, count] of Object.entries({ events, spreads, ...faults, ...lookedAt, ...gates }))
      this.sums[name] = (this.sums[name] ?? 0) + count;
    if (violations.length > 0) {
      this.failures.push({ seed, violations, replay });
      process.stderr.write(`seed ${seed}: ${violations[0]}\nagain: ${replay}\n`);
    }
    if (this.isReplayed(seed)) this.digests[seed] = digest;
  }
}

/** Runs all shares that are left; resolves when the last one is done. */
function runShares(shares, workers, onShare) {
  const left = [...shares];
  const runOne = () =>
    new Promise((resolve, reject) => {
      // Most of what a world makes is dropped at once.
      const worker = new Worker(WORKER, { resourceLimits: { maxYoungGenerationSizeMb: 64 } });
      const next = () => {
        const share = left.shift();
        if (share === undefined) void worker.terminate().then(resolve);
        else worker.postMessage(share);
      };
      worker.on("error", reject);
      worker.on("message", (outcomes) => {
        onShare(outcomes);
        next();
      });
      next();
    });
  return Promise.all(Array.from({ length: workers }, runOne));
}

/** Runs seeds in another process, and names those with other events. */
function replayedOtherwise(digests, isStaged) {
  const seeds = Object.keys(digests);
  if (seeds.length === 0) return [];
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [WORKER, ...(isStaged ? ["staged"] : []), ...seeds],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    },
  );
  if (status !== 0) throw new Error(`the replay failed: ${stderr}`);
  const again = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return again.filter(({ seed, digest }) => digests[seed] !== digest).map(({ seed }) => seed);
}

function wholeNumber(values, name, min) {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < min)
    throw new BenchUsageError(`--${name} ${values[name]}: not a number`);
  return number;
}

async function main() {
  const { values } = parseArgs({
    options: {
      from: { type: "string", default: "0" },
      seeds: { type: "string", default: "10000" },
      workers: { type: "string", default: "2" },
      resume: { type: "string" },
      staged: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const from = wholeNumber(values, "from", 0);
  const seeds = wholeNumber(values, "seeds", 1);
  const workers = wholeNumber(values, "workers", 1);
  const every = Math.max(1, Math.floor(seeds / REPLAYED));
  const totals = new Totals((seed) => (seed - from) % every === 0);
  const done = new Set();
  const { resume, staged: isStaged } = values;
  if (resume !== undefined && existsSync(resume))
    for (const line of readFileSync(resume, "utf8").split("\n").filter(Boolean)) {
      const outcome = JSON.parse(line);
      if (outcome.seed < from || outcome.seed >= from + seeds || done.has(outcome.seed)) continue;
      done.add(outcome.seed);
      totals.add(outcome);
    }
  const shares = [];
  for (let at = from; at < from + seeds; at += SHARE) {
    const to = Math.min(at + SHARE, from + seeds);
    if (!done.has(at) || !done.has(to - 1)) shares.push({ from: at, to, isStaged });
  }
  const startedAt = performance.now();
  await runShares(shares, workers, (outcomes) => {
    for (const outcome of outcomes) if (!done.has(outcome.seed)) totals.add(outcome);
    if (resume !== undefined)
      appendFileSync(resume, outcomes.map((one) => `${JSON.stringify(one)}\n`).join(""));
    process.stderr.write(`${totals.seeds} of ${seeds} seeds, ${totals.failures.length} failed\n`);
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const others = replayedOtherwise(totals.digests, isStaged);
  for (const seed of others) process.stderr.write(`seed ${seed} had other events in another process\n`);
  const head = recordHead(
    isStaged ? "sim-staged" : "sim",
    `seeds ${from} to ${from + seeds - 1}, 16 boards, 8 KiB, 921600 baud, faults`,
    [],
  );
  const { sums, failures, virtualMs, slowestMs } = totals;
  const boardHours = Math.round((16 * virtualMs) / 3_600_000);
  const figures = [
    ["seeds", totals.seeds],
    ["seeds with a broken rule, or a board that was not well in time", failures.length],
    ["seeds run again in another process", Object.keys(totals.digests).length],
    ["of these with other events", others.length],
    ["virtual board hours", boardHours],
    ["longest until all were well, faults included (s, virtual)", Math.round(slowestMs / 1000)],
    ["events", sums.events],
    ["boards healed or updated", sums.spreads],
    ["power-offs", sums.powerOffs],
    ["of these within an operation on flash", sums.powerCuts],
    ["wires cut", sums.wireCuts],
    ["frames damaged", sums.damagedFrames],
    ["of these with a CRC that fits", sums.unseenDamages],
    ["sectors of slots damaged", sums.flashDamages],
    ["worlds with a liar", sums.liars],
    ["bytes to flash compared with a signed image", sums.flashBytes],
    ["images started, and read back", sums.starts],
    ["sessions accepted by a target", sums.sessions],
    ["offers looked at", sums.offers],
    ["boards read at the end", sums.ends],
    ...(isStaged
      ? [
          ["offers of updates whose image had to have run", sums.soaked],
          ["first starts of boards that had to wait for their ring", sums.rings],
          ["images held up", sums.suspects],
        ]
      : []),
  ];
  const markdown = [
    `# Many boards that heal and update one another, with faults${isStaged ? ", and staged updates" : ""}`,
    "",
    "Worlds of 16 boards with the product's node on each (`src/sim/many/campaign.ts`, [sim.md](../sim.md)): all topologies, both",
    "layouts, healing and updating; power-offs, power cuts within operations on flash, damaged flash, cut wires, damaged and lost frames, a liar.",
    ...(isStaged
      ? [
          "Updates have up to four rings, ring times and soak times of seconds; half of the worlds have link keys. Each world has to break no",
          "rule, and to be well within two days of virtual time: an image whose trials were cut short by power-offs is suspect for a day.",
          "Again: `npm run evidence:sim -- --staged`.",
        ]
      : [
          "Each world has to break no rule, and to be well within ten minutes of virtual time. Again: `npm run evidence:sim`.",
        ]),
    "",
    ...headLines(head),
    "",
    ...tableText(["what", "count"], figures),
    "",
    ...failures.map(({ violations, replay }) => `- ${violations[0]}; again: \`${replay}\``),
  ].join("\n");
  process.stdout.write(`${markdown.trimEnd()}\n`);
  process.stderr.write(`${seconds.toFixed(0)} s\n`);
  writeRecord(
    values.out,
    { ...head, figures: Object.fromEntries(figures), failures },
    `${markdown.trimEnd()}\n`,
  );
  return failures.length === 0 && others.length === 0;
}

await runBench(USAGE, main);
