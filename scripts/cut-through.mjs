#!/usr/bin/env node
// How soon many boards are healed when each hands on what it receives, beside store and forward, in virtual time.
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

const USAGE = `usage: npm run evidence:cut-through -- [--seeds N] [--out docs/evidence/cut-through]

Board 0 has an image of 1 MiB in blocks of 4 KiB, all others are empty; 921600 baud. A line of 8 boards over N seeds (100) with one frame in
twenty lost, and 5 seeds of the other shapes. Exit 0: all boards were well, no rule was broken, and the line of 8 is within its limits:
1.15 transfers without loss, a median of 1.15 and 1.5 in 99 of 100 with it. 1: otherwise. 2: usage.
`;

await fromDist("crypto/use-node-crypto.js");
const { runScenario } = await fromDist("sim/many/scenario.js");
const { percentile } = await fromDist("sim/many/percentiles.js");

const SCENARIO = { update: false, size: 1_048_576, baud: 921_600, faults: false, layout: "ab" };
const FEW = 5;
const CLEAN_MAX = 1.15;
const LOSS_MEDIAN_MAX = 1.15;
const LOSS_P99_MAX = 1.5;
const SHAPES = [
  ["line", 8],
  ["line", 16],
  ["ring", 16],
  ["grid", 25],
  ["tree", 31],
];

/** Transfers until the last board is healed, for each seed: in transfers of the same seed and loss. */
async function row(topology, nodes, loss, seeds, storeAndForward = false) {
  const ratios = [];
  const failures = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { story, isWell } = await runScenario({
      ...SCENARIO,
      topology,
      nodes,
      loss,
      seed,
      storeAndForward,
    });
    ratios.push((story.spreads.at(-1)?.at ?? 0) / story.transferMs);
    if (!isWell) failures.push(seed);
  }
  process.stderr.write(
    `${topology} ${nodes} ${loss} ${storeAndForward ? "store and forward" : "cut-through"}\n`,
  );
  const at = { median: median(ratios), p99: percentile(ratios, 99), most: Math.max(...ratios) };
  return { topology, nodes, loss, seeds, storeAndForward, ...at, failures };
}

async function runCutThrough({ seeds, out }) {
  const rows = [];
  for (const [topology, nodes] of SHAPES)
    for (const loss of [0, 0.05]) {
      const isLong = topology === "line" && nodes === 8 && loss > 0;
      rows.push(await row(topology, nodes, loss, isLong ? seeds : FEW));
    }
  for (const [topology, nodes] of SHAPES) rows.push(await row(topology, nodes, 0, 1, true));
  const head = recordHead("cut-through", `1 MiB in blocks of 4 KiB at 921600 baud, ${seeds} seeds`, []);
  const markdown = [
    "# Boards that hand on what they receive",
    "",
    "Board 0 has the firmware, all others are empty and call. Transfers until the last board is healed, where one transfer is that of two boards",
    "alone with the same seed and loss, handshake included. Virtual time. Again: `npm run evidence:cut-through`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["topology", "boards", "frame loss", "how", "seeds", "median", "p99", "most"],
      rows.map((r) => [
        ...[
          r.topology,
          r.nodes,
          `${100 * r.loss} %`,
          r.storeAndForward ? "store and forward" : "cut-through",
          r.seeds,
        ],
        ...[r.median, r.p99, r.most].map((ratio) => ratio.toFixed(3)),
      ]),
    ),
    "",
    `Asked of the line of 8: at most ${CLEAN_MAX} without loss; with it a median of ${LOSS_MEDIAN_MAX} and a p99 of ${LOSS_P99_MAX}.`,
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(out, { ...head, rows }, markdown);
  const [clean, lossy] = rows;
  return (
    rows.every(({ failures }) => failures.length === 0) &&
    clean.most <= CLEAN_MAX &&
    lossy.median <= LOSS_MEDIAN_MAX &&
    lossy.p99 <= LOSS_P99_MAX
  );
}

async function main() {
  const options = { seeds: { type: "string", default: "100" }, out: { type: "string" } };
  const { values } = parseArgs({ options });
  const seeds = Number(values.seeds);
  if (!Number.isInteger(seeds) || seeds < 1)
    throw new BenchUsageError(`--seeds ${values.seeds}: not a number`);
  return await runCutThrough({ seeds, out: values.out });
}

await runBench(USAGE, main);
