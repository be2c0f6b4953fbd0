#!/usr/bin/env node
// Tens of thousands of sites in virtual time: at rest, after a regional power cut, and when an image is published.
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  fromDist,
  headLines,
  recordHead,
  runBench,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:fleet-sim -- [--sites N] [--seed N] [--hours N] [--out docs/evidence/fleet-sim]

N sites (50000) with eight boards each: N hours (24) at rest, power cuts in a region with three fates of the broker, an image that all
sites fetch. Exit 0: each figure was within its limits. 1: one was not. 2: usage.
`;
/** Runs of the simulator of many boards that the times of heals are drawn from. */
const WORLDS = 24;
/** Most memory of the process. */
const MEMORY_MAX_MIB = 3072;

await fromDist("crypto/use-node-crypto.js");
const { runFleetCampaign } = await fromDist("sim/fleet/fleet-campaign.js");
const { isWithin } = await fromDist("sim/fleet/fleet-bounds.js");
const { MEASURED_PACE } = await fromDist("sim/fleet/sim-broker.js");
const { HEAL_SCENARIO } = await fromDist("sim/fleet/heal-times.js");

function wholeNumber(values, name, min) {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < min)
    throw new BenchUsageError(`--${name} ${values[name]}: give a whole number from ${min} on`);
  return number;
}

/** A figure as people read it. */
function shown(value, unit) {
  if (value === undefined) return "";
  if (!Number.isFinite(value)) return "never";
  if (unit === "ms") return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
  if (unit === "bytes")
    return value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
}

function limitText({ least, most, unit }) {
  if (least === undefined && most === undefined) return "";
  if (least === most) return shown(most, unit);
  if (least === undefined) return `at most ${shown(most, unit)}`;
  if (most === undefined) return `at least ${shown(least, unit)}`;
  return `${shown(least, unit)} to ${shown(most, unit)}`;
}

async function main() {
  const { values } = parseArgs({
    options: {
      sites: { type: "string", default: "50000" },
      seed: { type: "string", default: "1" },
      hours: { type: "string", default: "24" },
      out: { type: "string" },
    },
  });
  const sites = wholeNumber(values, "sites", 100);
  const seed = wholeNumber(values, "seed", 0);
  const hours = wholeNumber(values, "hours", 1);
  const before = process.cpuUsage();
  const runs = [];
  for await (const run of runFleetCampaign({ sites, seed, hours, worlds: WORLDS })) {
    runs.push(run);
    process.stderr.write(
      `${run.title}: ${run.figures.every(isWithin) ? "within limits" : "NOT within limits"}\n`,
    );
  }
  const { user, system } = process.cpuUsage(before);
  const memoryMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const head = recordHead("fleet-sim", `${sites} sites with 8 boards each, seed ${seed}`, []);
  const { messagesPerSecond, connectsPerSecond, latencyMs } = MEASURED_PACE;
  const { size, baud, loss } = HEAL_SCENARIO;
  const markdown = [
    "# Tens of thousands of sites, in virtual time",
    "",
    "`src/sim/fleet`: each site has the product's outbox, uplink and reconnect, each collector the product's book, and what goes between",
    "them is the product's messages. Modelled are the broker, disks, the network, and when a site looks for an image; waits after a refused request are",
    `the product's. The broker manages ${messagesPerSecond} messages and ${connectsPerSecond} connections a second, which is what mosquitto did with its clients on two cores,`,
    `${latencyMs} ms away, and loses what it had in memory when it is killed. Heal times are drawn from ${WORLDS} runs of the simulator of many boards:`,
    `eight broken boards in a star, a line or a tree, ${size / 1024} KiB at ${baud} baud, ${100 * loss} % of frames lost. A site pings after 240 s of silence.`,
    "",
    "In a regional power cut a tenth of the sites lose mains, come back at random within ten minutes, and all of their boards are broken;",
    "a tenth of them lose mains once more. There are two collectors: in the first and second run one dies for 30 s, in the others both, just before",
    "the broker. Times are from the return of the broker on, where it was away. Again: `npm run evidence:fleet-sim`.",
    "",
    ...headLines(head),
    ...runs.flatMap(({ title, figures }) => [
      "",
      `## ${title}`,
      "",
      ...tableText(
        ["what", "figure", "limit"],
        figures.map((one) => [
          one.what,
          `${shown(one.figure, one.unit)}${isWithin(one) ? "" : " **NOT within**"}`,
          limitText(one),
        ]),
      ),
    ]),
    "",
    `The process took ${Math.round((user + system) / 1e6)} s of the CPU and ${memoryMiB} MiB; the limit is ${MEMORY_MAX_MIB} MiB.`,
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(values.out, { ...head, runs, memoryMiB }, markdown);
  return memoryMiB <= MEMORY_MAX_MIB && runs.every(({ figures }) => figures.every(isWithin));
}

await runBench(USAGE, main);
