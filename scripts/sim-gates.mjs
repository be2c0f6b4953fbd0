#!/usr/bin/env node
// What a bad update does to many boards, with and without the gates of staged updates.
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  fromDist,
  headLines,
  median,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:gates -- [--seeds N] [--nodes N] [--out docs/evidence/gates]

A bad update on N boards (256) in grids, trees and random topologies, over N seeds (20) in turn: signed as it should be, in order when it is
started, and failing some time after each start. With the gates of staged updates, and the same without. Exit 0: with gates at most
5 % of the boards of any run that fails within half a soak time ever ran it, near all without, and no rule was broken. 1: otherwise.
2: usage.
`;

await fromDist("crypto/use-node-crypto.js");
const { runBadUpdate } = await fromDist("sim/many/long-runs.js");

const TOPOLOGIES = ["grid", "tree", "random"];
const SOAK_MS = 600_000;
const RING_TIME_MS = 1_800_000;
const RINGS = 32;
const OVER_MS = 4 * 3_600_000;
/** Mean time to a failure, in soak times; the last one is beyond what a soak time can find. */
const FAILS_AFTER = [0.1, 0.5, 2];
/** Largest share of boards that may run it with gates, and least share without. */
const SHARE_MAX = 0.05;
const SHARE_MIN_WITHOUT = 0.95;
/** Means up to this are held to these shares. */
const HELD_TO = 0.5;

function wholeNumber(text, name) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new BenchUsageError(`--${name} ${text}: not a number`);
  return number;
}

async function rowOf(nodes, seeds, failsAfter, areOff, linkKeys) {
  const runs = [];
  for (let seed = 0; seed < seeds; seed++) {
    const scenario = {
      ...{ topology: TOPOLOGIES[seed % TOPOLOGIES.length], nodes, seed, update: true },
      ...{ size: 8_192, baud: 921_600, loss: 0, faults: false, layout: "ab", linkKeys },
      gates: { rings: RINGS, soakMs: SOAK_MS, ringTimeMs: RING_TIME_MS, areOff },
      failsAfterMs: failsAfter * SOAK_MS,
    };
    runs.push(await runBadUpdate(scenario, OVER_MS));
    const { ran, endedAt } = runs.at(-1);
    process.stderr.write(
      `${failsAfter} soak times, gates ${areOff ? "off" : "on"}, seed ${seed}: ${ran} of ${nodes}, ${endedAt / 1000} s\n`,
    );
  }
  const shares = runs.map(({ ran }) => ran / nodes);
  const row = {
    failsAfter,
    areOff,
    linkKeys,
    runs: seeds,
    median: median(shares),
    most: Math.max(...shares),
    least: Math.min(...shares),
    longestSeconds: Math.round(Math.max(...runs.map(({ endedAt }) => endedAt)) / 1000),
    violations: runs.flatMap(({ violations }) => violations),
  };
  const isHeld = failsAfter > HELD_TO || (areOff ? row.least >= SHARE_MIN_WITHOUT : row.most <= SHARE_MAX);
  return { ...row, isOk: isHeld && row.violations.length === 0 };
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "20" },
      nodes: { type: "string", default: "256" },
      out: { type: "string" },
    },
  });
  const seeds = wholeNumber(values.seeds, "seeds");
  const nodes = wholeNumber(values.nodes, "nodes");
  const rows = [];
  for (const failsAfter of FAILS_AFTER) {
    for (const linkKeys of [true, false]) rows.push(await rowOf(nodes, seeds, failsAfter, false, linkKeys));
    rows.push(await rowOf(nodes, seeds, failsAfter, true, false));
  }
  const head = recordHead(
    "gates",
    `${nodes} boards, seeds 0 to ${seeds - 1}; ${RINGS} rings, ring time 30 min, soak time 10 min, fan-out 1`,
    [],
  );
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const markdown = [
    "# A bad update among many boards",
    "",
    "An image that is signed as it should be, is in order when it is started, and fails some time later: its board is reset. The times are",
    "exponential, with the mean of the first column; each start draws one. Board 0 got it from its owner. Counted is who ever started",
    "it, until no board has it any more, all had it, or four hours are over. `src/sim/many/bad-image.ts`, the product's node on each",
    "board, in grids, trees and random topologies in turn. Again: `npm run evidence:gates`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      [
        "mean time to a failure",
        "gates",
        "link keys",
        "runs",
        "boards that ran it: median",
        "most",
        "least",
        "longest run (s)",
      ],
      rows.map((row) => [
        `${row.failsAfter} soak times`,
        row.areOff ? "off" : "on",
        row.linkKeys ? "yes" : "no",
        row.runs,
        percent(row.median),
        percent(row.most),
        percent(row.least),
        row.longestSeconds,
      ]),
    ),
    "",
    "A fault that shows only after the soak time passes it: the last rows say what rings, fan-out and the time alone do then.",
    ...rows.flatMap(({ violations }) => violations).map((violation) => `- ${violation}`),
  ].join("\n");
  process.stdout.write(`${markdown.trimEnd()}\n`);
  writeRecord(values.out, { ...head, rows }, `${markdown.trimEnd()}\n`);
  return rows.every(({ isOk }) => isOk);
}

await runBench(USAGE, main);
