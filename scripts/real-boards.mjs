#!/usr/bin/env node
// Cut-through and swarm with real processes: `mayday node` and `mayday rescue` over `mayday cable`, in real time.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeBoardFiles } from "../bench/board-files.mjs";
import {
  BenchUsageError,
  headLines,
  mayday,
  median,
  recordHead,
  runBench,
  startCable,
  startMayday,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:real-boards -- [--rounds N] [--out docs/evidence/real-boards]

1 MiB at 921600 baud. A line of 8 boards of which the first boots: 8 processes and 7 cables; and a board with two rescuers on two cables. Beside
each, the same with 2 boards, or with 1 rescuer. N rounds (5) in turns; medians. Needs a machine with little else to do. Exit 0: the line took at most
1.25 transfers, and two rescuers reached 0.9 of twice the rate of one. 1: otherwise. 2: usage.
`;

const BAUD = 921_600;
const SIZE = 1_048_576;
const BOARDS = 8;
const LINE_MAX = 1.25;
const SWARM_MIN = 0.9;
/** A round that takes longer than this has failed. */
const LIMIT_MS = 120_000;

const POLL_MS = 5;

/** What runs in one round; all of it is ended at its end. */
class Round {
  #stops = [];

  /** `folder`: of files that all rounds share. `name`: of this round's files. */
  constructor(folder, name) {
    this.folder = folder;
    this.name = name;
  }

  shared(name) {
    return join(this.folder, name);
  }

  path(name) {
    return join(this.folder, `${this.name}-${name}`);
  }

  /** Both ends of a new cable. */
  async cable(name) {
    const ends = [this.path(`${name}.a`), this.path(`${name}.b`)];
    const { close } = await startCable("--a", ends[0], "--b", ends[1], "--baud", String(BAUD));
    this.#stops.push(close);
    return ends.map((end) => `serial:${end}?baud=${BAUD}`);
  }

  start(...args) {
    const made = startMayday(...args, "--json");
    this.#stops.push(() => {
      made.child.kill("SIGTERM");
      return made.ended;
    });
    return made;
  }

  /** An empty board. */
  board(name) {
    const flash = ["--flash-size", String(SIZE), "--trust", this.shared("k.pub")];
    mayday("board", "init", this.path(name), "--hardware", "bench/board", ...flash);
    return this.path(name);
  }

  async end() {
    for (const stop of this.#stops.toReversed()) await stop();
  }
}

/** Resolves with the time at which all of these processes have told such an event. */
async function toldBy(processes, name) {
  const told = new RegExp(`"event":"${name}"`);
  const startedAt = performance.now();
  while (!processes.every(({ text }) => told.test(text()))) {
    if (performance.now() - startedAt > LIMIT_MS)
      throw new Error(
        `not all told "${name}" in time:\n${processes.map(({ text }) => text().slice(-400)).join("\n")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return performance.now();
}

/** Seconds from the first offer until the last of so many boards, all empty but the first one, starts its image. */
async function line(round, boards) {
  const links = Array.from({ length: boards }, () => []);
  for (let i = 1; i < boards; i++) {
    const [a, b] = await round.cable(`w${i}`);
    links[i - 1].push("--link", a);
    links[i].push("--link", b);
  }
  const folders = links.map((_, i) => (i === 0 ? round.shared("full") : round.board(`b${i}`)));
  const nodes = folders.map((folder, i) =>
    round.start("node", "--board", folder, ...links[i], "--socket", round.path(`s${i}`)),
  );
  const from = await toldBy([nodes[1]], "offer");
  return ((await toldBy(nodes.slice(1), "booted")) - from) / 1000;
}

/** Seconds from the first offer to an empty board with so many rescuers until it has verified the image. */
async function swarm(round, rescuers) {
  const links = [];
  for (let i = 0; i < rescuers; i++) {
    const [a, b] = await round.cable(`w${i}`);
    links.push("--link", a);
    round.start("rescue", "--image", round.shared("fw.mdy"), "--link", b);
  }
  const target = round.start("distress", "--board", round.board("t"), ...links);
  const from = await toldBy([target], "offer");
  return ((await toldBy([target], "verified")) - from) / 1000;
}

const RUNS = [
  ["2 boards", (round) => line(round, 2)],
  [`line of ${BOARDS} boards`, (round) => line(round, BOARDS)],
  ["1 rescuer", (round) => swarm(round, 1)],
  ["2 rescuers", (round) => swarm(round, 2)],
];

async function runAll(folder, rounds) {
  makeBoardFiles(mayday, (name) => join(folder, name), randomBytes(SIZE), "blank");
  const flash = [
    "--flash-size",
    String(SIZE),
    "--trust",
    join(folder, "k.pub"),
    "--image",
    join(folder, "fw.mdy"),
  ];
  mayday("board", "init", join(folder, "full"), "--hardware", "bench/board", ...flash);
  const seconds = new Map(RUNS.map(([name]) => [name, []]));
  for (let i = 0; i < rounds; i++)
    for (const [name, run] of RUNS) {
      const round = new Round(folder, `${i}-${name.replaceAll(" ", "-")}`);
      try {
        seconds.get(name).push(await run(round));
      } finally {
        await round.end();
      }
      process.stderr.write(`${name}: ${seconds.get(name).at(-1).toFixed(2)} s\n`);
    }
  return seconds;
}

async function runRealBoards(rounds, out) {
  const folder = mkdtempSync(join(tmpdir(), "mayday-real-boards-"));
  let seconds;
  try {
    seconds = await runAll(folder, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const at = (name) => median(seconds.get(name));
  const transfers = at(RUNS[1][0]) / at("2 boards");
  const share = at("1 rescuer") / at("2 rescuers") / 2;
  const head = recordHead("real-boards", `1 MiB at ${BAUD} baud, ${rounds} rounds in turns, medians`, []);
  const markdown = [
    "# Cut-through and swarm with real processes",
    "",
    "`mayday node`, `mayday rescue` and `mayday distress` over `mayday cable`, all on one machine. A line: from the first offer until the last board",
    "starts its image. Rescuers: from the first offer until the image is verified. Again: `npm run evidence:real-boards`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["what", "seconds, median", "least", "most"],
      RUNS.map(([name]) => {
        const all = seconds.get(name);
        return [name, ...[median(all), Math.min(...all), Math.max(...all)].map((value) => value.toFixed(2))];
      }),
    ),
    "",
    `The line took ${transfers.toFixed(3)} transfers (at most ${LINE_MAX}); two rescuers reached ${share.toFixed(3)} of twice the rate of one (${SWARM_MIN}).`,
    "",
  ].join("\n");
  process.stdout.write(`${markdown}\n`);
  writeRecord(out, { ...head, seconds: Object.fromEntries(seconds), transfers, share }, markdown);
  return transfers <= LINE_MAX && share >= SWARM_MIN;
}

async function main() {
  const options = { rounds: { type: "string", default: "5" }, out: { type: "string" } };
  const { values } = parseArgs({ options });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new BenchUsageError(`--rounds ${values.rounds}: not a number`);
  return await runRealBoards(rounds, values.out);
}

// Each process that runs has a listener for the end of this one.
process.setMaxListeners(4 * BOARDS);
await runBench(USAGE, main);
