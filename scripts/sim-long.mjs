#!/usr/bin/env node
// Long runs of the simulator: many boards at rest for a day, and in a storm of distress; and how fast healing spreads.
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  fromDist,
  headLines,
  median,
  recordHead,
  round,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:rest -- [--seed N] [--hours N] [--out docs/evidence/rest]
       npm run evidence:spread -- [--seeds N] [--out docs/evidence/spread]

rest: 64 boards at rest for N hours (24) of virtual time, in which 20 break and are healed; then 8 to 128 boards that all call for
help at once for a minute. spread: when the boards of lines, rings and grids are healed, over N seeds (10). Exit 0: all
boards were well, no rule was broken, and the figures are within their limits. 1: otherwise. 2: usage.
`;

await fromDist("crypto/use-node-crypto.js");
const { runRest, runStorm } = await fromDist("sim/many/long-runs.js");
const { runScenario, worldOf, limitOf } = await fromDist("sim/many/scenario.js");
const { percentile } = await fromDist("sim/many/percentiles.js");
const { distancesFrom } = await fromDist("sim/many/topologies.js");

const SCENARIO = {
  topology: "grid",
  nodes: 64,
  update: false,
  size: 65_536,
  baud: 115_200,
  loss: 0,
  faults: false,
  layout: "ab",
};
const STORM_MS = 60_000;
/** Most of a line's time that control frames may take in a storm. */
const STORM_SHARE_MAX = 0.1;
/** Least virtual time for each second of the CPU at rest. */
const REST_SPEED_MIN = 5_000;
const BEACONS_MAX = 4;

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const most = (list) => list.reduce((a, b) => Math.max(a, b), 0);

function wholeNumber(text, name) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new BenchUsageError(`--${name} ${text}: not a number`);
  return number;
}

/** The slope of y against log2 of x, by least squares. */
function slopeOf(points) {
  const xs = points.map(([x]) => Math.log2(x));
  const ys = points.map(([, y]) => y);
  const [mx, my] = [mean(xs), mean(ys)];
  const over = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  return over / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

async function rest(seed, hours) {
  const before = process.cpuUsage();
  const { heals, violations, isWell, quietBeacons, allBeacons } = await runRest(
    { ...SCENARIO, seed },
    hours,
    20,
  );
  // What the process used, collecting garbage included: on a machine with nothing else to do no less than the time that it took.
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  return {
    hours,
    heals,
    violations,
    isWell,
    seconds: round(seconds),
    speed: Math.round((hours * 3600) / seconds),
    quietMean: round(mean(quietBeacons)),
    quietMost: most(quietBeacons),
    quietAbove: round(quietBeacons.filter((count) => count > BEACONS_MAX).length / quietBeacons.length),
    allMean: round(mean(allBeacons)),
  };
}

async function storms(seed) {
  const rows = [];
  for (const hasRescuer of [false, true])
    for (const nodes of [8, 16, 32, 64, 128]) {
      const { shares, healed, violations } = await runStorm(
        { ...SCENARIO, topology: "random", nodes, seed },
        STORM_MS,
        hasRescuer,
      );
      rows.push({ hasRescuer, nodes, healed, violations, mean: mean(shares), most: most(shares) });
    }
  return rows;
}

async function runRestBench({ seed, hours, out }) {
  const day = await rest(seed, hours);
  const rows = await storms(seed);
  const slopes = [false, true].map((hasRescuer) =>
    slopeOf(rows.filter((row) => row.hasRescuer === hasRescuer).map((row) => [row.nodes, row.most])),
  );
  const head = recordHead("rest", `seed ${seed}, 64 KiB at 115200 baud`, []);
  const percent = (share) => `${(100 * share).toFixed(2)} %`;
  const markdown = [
    "# Many boards at rest, and in a storm of distress",
    "",
    "`src/sim/many/long-runs.ts`, the product's node on each board. Again: `npm run evidence:rest`.",
    "",
    ...headLines(head),
    "",
    `## ${hours} hours of 64 boards in a grid, of which 20 break`,
    "",
    ...tableText(
      ["what", "figure", "limit"],
      [
        ["boards healed", day.heals, "20"],
        ["broken rules", day.violations.length, "0"],
        ["virtual time / time of the CPU", day.speed, `at least ${REST_SPEED_MIN}`],
        ["beacons per board, link and hour, in quiet hours: mean", day.quietMean, `at most ${BEACONS_MAX}`],
        ["the same: most", day.quietMost, ""],
        [`share of these hours with more than ${BEACONS_MAX}`, percent(day.quietAbove), ""],
        ["mean in all hours, those after news included", day.allMean, ""],
      ],
    ),
    "",
    "## All boards in distress at once, for 60 s",
    "",
    "Share of each line's time that control frames took, of each end of each wire of a random topology.",
    "",
    ...tableText(
      ["boards", "rescuers", "mean", "most", "healed meanwhile"],
      rows.map(({ nodes, hasRescuer, mean: average, most: worst, healed }) => [
        nodes,
        hasRescuer ? 1 : 0,
        percent(average),
        percent(worst),
        healed,
      ]),
    ),
    "",
    `Growth of the worst share for each doubling of the boards, by least squares: ${percent(slopes[0])} of the line without a`,
    `rescuer, ${percent(slopes[1])} with one. The limit is ${percent(STORM_SHARE_MAX)}.`,
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(out, { ...head, day, storms: rows, slopes }, markdown);
  const isStormFine = rows.every(
    ({ violations, most: worst }) => violations.length === 0 && worst <= STORM_SHARE_MAX,
  );
  const isDayFine =
    day.isWell && day.heals === 20 && day.violations.length === 0 && day.quietMean <= BEACONS_MAX;
  return isStormFine && isDayFine && day.speed >= REST_SPEED_MIN;
}

/** When the boards of one world were healed, as a share of the bound of each: its hops times one transfer. */
async function healTimes(scenario) {
  const world = worldOf(scenario);
  const isWell = await world.run(limitOf(scenario));
  const { edges } = world.options.topology;
  const hops = distancesFrom(edges, scenario.nodes, [0]);
  const times = world.spreads.map(({ board, at }) => ({ at, hops: hops[board] }));
  return { isWell: isWell && world.checkers.violations.length === 0, times };
}

async function spreadRow(kind, nodes, loss, seeds) {
  const scenario = { ...SCENARIO, baud: 921_600, topology: kind, nodes, loss, storeAndForward: true };
  const { story } = await runScenario({ ...scenario, topology: "line", nodes: 2, loss: 0, seed: 0 });
  const transferMs = story.spreads[0].at;
  const all = [];
  const last = [];
  let isWell = true;
  for (let seed = 0; seed < seeds; seed++) {
    const outcome = await healTimes({ ...scenario, seed });
    isWell &&= outcome.isWell;
    all.push(...outcome.times);
    last.push(most(outcome.times.map(({ at }) => at)));
  }
  const at = all.map((time) => time.at);
  const bound = transferMs * most(all.map(({ hops }) => hops));
  const ratios = all.map((time) => time.at / (transferMs * time.hops));
  process.stderr.write(`${kind} ${nodes} ${loss}\n`);
  return {
    ...{ kind, nodes, loss, isWell, bound },
    p50: percentile(at, 50),
    p99: percentile(at, 99),
    last: median(last),
    ratio50: percentile(ratios, 50),
    ratio99: percentile(ratios, 99),
  };
}

async function runSpreadBench({ seeds, out }) {
  const rows = [];
  for (const kind of ["line", "ring", "grid"])
    for (const nodes of [8, 16, 64, 256])
      for (const loss of [0, 0.05])
        rows.push(await spreadRow(kind, nodes, loss, nodes > 64 ? Math.ceil(seeds / 3) : seeds));
  const head = recordHead(
    "spread",
    `64 KiB at 921600 baud, store and forward, ${seeds} seeds, a third with 256 boards`,
    [],
  );
  const seconds = (ms) => (ms / 1000).toFixed(2);
  const markdown = [
    "# How fast healing spreads",
    "",
    "Board 0 has the firmware, all others are empty. Each board hands on what it has as a whole. Times in virtual seconds since",
    "power-on, over all boards and seeds. The bound of a board is its links to board 0, times one transfer without loss; *last* is the",
    "median over seeds of the last board. Again: `npm run evidence:spread`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      [
        "topology",
        "boards",
        "frame loss",
        "p50",
        "p99",
        "last",
        "bound of the last",
        "time / bound, p50",
        "p99",
      ],
      rows.map((row) => [
        row.kind,
        row.nodes,
        `${100 * row.loss} %`,
        ...[row.p50, row.p99, row.last, row.bound].map(seconds),
        row.ratio50.toFixed(2),
        row.ratio99.toFixed(2),
      ]),
    ),
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(out, { ...head, rows }, markdown);
  return rows.every(({ isWell }) => isWell);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "10" },
      hours: { type: "string", default: "24" },
      out: { type: "string" },
    },
  });
  const numbers = Object.fromEntries(
    ["seed", "seeds", "hours"].map((name) => [name, wholeNumber(values[name], name)]),
  );
  const [what] = positionals;
  if (what === "rest") return await runRestBench({ ...numbers, out: values.out });
  if (what === "spread") return await runSpreadBench({ ...numbers, out: values.out });
  throw new BenchUsageError("name a run: rest or spread");
}

await runBench(USAGE, main);
