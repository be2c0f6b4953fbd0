#!/usr/bin/env node
// Sends every byte value, runs of awkward ones and a pseudo-random stream over a wire, and names what the wire does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  BenchUsageError,
  endsOf,
  fromDist,
  headLines,
  parseNumbers,
  portFacts,
  recordHead,
  round,
  runBench,
  startCable,
  tableText,
  writeRecord,
} from "./lib.mjs";
import { FAULTS, judgeBytes, REMARKS } from "./line-faults.mjs";
import { hearOut, LoopbackPort, SETTLE_MS } from "./loopback-port.mjs";

const USAGE = `Usage: node hw-loopback/uart-loopback.mjs (--port PORT | --a PORT --b PORT | --virtual) [options]

  --port PORT      one port with a jumper from TX to RX: it hears itself
  --a, --b PORT    two ports joined by a crossed cable; both directions, then both at once
  --virtual        a virtual cable of its own, no hardware
  --bauds LIST     rates to try (9600,115200,921600,3000000)
  --kib N          pseudo-random bytes for each direction, in KiB, 1 to 65536 (32)
  --seed N         of the pseudo-random bytes (1)
  --out BASE       write BASE.json and BASE.md; take hw-loopback/records/NAME for real hardware

Exit codes: 0 every byte came right at every rate, 1 not so, 2 usage error, 6 port missing or busy.
`;

/** Blocks are as long as a write; each of the 256 values stands once at every place of a block of each length. */
const BLOCK_LENGTHS = [1, 3, 8];
/** A step between neighbours in a block: odd, so that every value comes by at each place. */
const BLOCK_STEP = 37;
const RUN_BYTES = 256;
const RUN_VALUES = [0x00, 0xff, 0x11, 0x13, 0x0d, 0x0a, 0x7e, 0xc0];
const STREAM_WRITE_BYTES = 4096;
/** A port that runs at its rate cannot be faster. */
const TOO_FAST_SHARE = 1.05;
const SLOW_SHARE = 0.7;
/** Streams shorter than this say nothing about a slow line: a latency timer alone takes 16 ms. */
const SLOW_STREAM_MS = 250;

const { randomBytes, SeededRandom } = await fromDist("base/prng.js");
const { lineTime } = await fromDist("base/units.js");

/** 256 blocks of each length, a write each. */
function valueBlocks() {
  return BLOCK_LENGTHS.flatMap((length) =>
    Array.from({ length: 256 }, (_, k) =>
      Uint8Array.from({ length }, (_, place) => (k + BLOCK_STEP * place) & 0xff),
    ),
  );
}

function runs() {
  return RUN_VALUES.map((value) => new Uint8Array(RUN_BYTES).fill(value));
}

function stream(seed, kib) {
  const bytes = randomBytes(new SeededRandom(seed), kib * 1024);
  const count = Math.ceil(bytes.length / STREAM_WRITE_BYTES);
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(i * STREAM_WRITE_BYTES, (i + 1) * STREAM_WRITE_BYTES),
  );
}

/** Sends `writes` and judges what came of them at `to`. */
async function carry(section, writes, line) {
  const { from, to, baud } = line;
  const sent = Buffer.concat(writes);
  const started = performance.now();
  void from.send(writes);
  await hearOut(line, sent.length);
  const seconds = (to.lastAt - started) / 1000;
  const received = to.take();
  const { faults, ...tally } = judgeBytes(sent, received);
  const fault = from.fault ?? to.fault;
  return {
    section,
    sent: sent.length,
    received: received.length,
    ...tally,
    faults: fault === undefined ? faults : ["port-failed"],
    error: fault?.message,
    ...(section === "stream" && received.length > 0
      ? { seconds: round(seconds), lineShare: round(lineTime(received.length, baud) / 1000 / seconds) }
      : {}),
  };
}

/** One direction: all sections, until one fails. */
async function runLeg(leg, sections, line) {
  const done = [];
  for (const [section, writes] of sections) {
    done.push(await carry(section, writes, line));
    const { faults } = done.at(-1);
    if (faults.includes("silence") || faults.includes("port-failed")) break;
  }
  const faults = new Set(done.flatMap((section) => section.faults));
  if (faults.has("garbled")) for (const name of ["loss", "bit-errors", "extra"]) faults.delete(name);
  const { seconds, lineShare } = done.find(({ section }) => section === "stream") ?? {};
  const remarks = [];
  if (line.hasTrueRate && lineShare > TOO_FAST_SHARE) faults.add("too-fast");
  if (lineShare < SLOW_SHARE && seconds * lineShare * 1000 >= SLOW_STREAM_MS) remarks.push("slow");
  return { baud: line.baud, leg, faults: [...faults], remarks, seconds, lineShare, sections: done };
}

/** All legs between two open ports; the same port twice is a jumper. */
async function runLegs({ a, b, baud, kib, seed, hasTrueRate }) {
  const line = (from, to) => ({ from, to, baud, hasTrueRate });
  const sections = (n) => [
    ["values", valueBlocks()],
    ["runs", runs()],
    ["stream", stream(seed + n, kib)],
  ];
  if (a === b) return [await runLeg("jumper", sections(0), line(a, a))];
  const oneWay = async (leg, n, from, to) => {
    const row = await runLeg(leg, sections(n), line(from, to));
    return withEcho(row, from, sections(n));
  };
  const rows = [await oneWay("a to b", 0, a, b), await oneWay("b to a", 1, b, a)];
  const silent = rows.filter(({ faults }) => faults.includes("silence"));
  const isEchoing = rows.some(({ faults }) => faults.includes("echo"));
  if (silent.length === 1 && !isEchoing) silent[0].faults = ["one-way"];
  if (silent.length > 0 || isEchoing) return rows;
  const both = [
    runLeg("both at once, a to b", sections(2).slice(2), line(a, b)),
    runLeg("both at once, b to a", sections(3).slice(2), line(b, a)),
  ];
  return [...rows, ...(await Promise.all(both))];
}

/** A sender that heard something heard itself, or somebody else. */
function withEcho(row, from, sections) {
  const heard = from.take();
  if (heard.length === 0) return row;
  const sent = Buffer.concat(sections.slice(0, row.sections.length).flatMap(([, writes]) => writes));
  const { lost, changed } = judgeBytes(sent, heard);
  const isOwn = sent.length - lost - changed > heard.length / 2;
  const others = row.faults.filter((name) => !(isOwn && name === "silence"));
  return { ...row, heardBySender: heard.length, faults: [...others, isOwn ? "echo" : "talker"] };
}

/** Opens the ports at a rate, runs all legs, closes. A port that cannot do the rate makes a row of its own. */
async function runBaud({ a: pathA, b: pathB, ...options }) {
  const a = new LoopbackPort(pathA, options.baud);
  const b = pathB === undefined ? a : new LoopbackPort(pathB, options.baud);
  try {
    await a.open();
    if (b !== a) await b.open();
    await sleep(SETTLE_MS);
    const before = a.take().length + (b === a ? 0 : b.take().length);
    const rows = await runLegs({ ...options, a, b });
    if (before > 0) rows[0].faults.push("talker");
    return rows;
  } catch (error) {
    if (error.code !== "baud-unsupported") throw error;
    const { baud } = options;
    return [{ baud, leg: "open", faults: ["port-failed"], remarks: [], sections: [], error: error.message }];
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

const sum = (row, name) => row.sections.reduce((all, section) => all + section[name], 0);

function rowCells(row) {
  const share = row.lineShare === undefined ? "" : `${(100 * row.lineShare).toFixed(1)} %`;
  const counts = ["sent", "received", "lost", "changed", "extra", "bitErrors"].map((name) => sum(row, name));
  return [row.baud, row.leg, ...counts, share, [...row.faults, ...row.remarks].join(", ") || "clean"];
}

const HEAD = [
  "baud",
  "direction",
  "sent",
  "received",
  "lost",
  "changed",
  "added",
  "bits",
  "line rate",
  "result",
];

function differenceLines(rows) {
  return rows.flatMap(({ baud, leg, sections }) =>
    sections.flatMap(({ section, firstDifferences, error }) => {
      const shown = firstDifferences.map(({ at, sent, received }) => {
        return `${at}: ${sent === undefined ? `+${received}` : `${sent} -> ${received ?? "lost"}`}`;
      });
      const lines = shown.length === 0 ? [] : [`- ${baud}, ${leg}, ${section}: ${shown.join("; ")}`];
      return error === undefined ? lines : [...lines, `- ${baud}, ${leg}, ${section}: ${error}`];
    }),
  );
}

function markdownOf(record) {
  const { rows } = record;
  const named = [...new Set(rows.flatMap(({ faults, remarks }) => [...faults, ...remarks]))];
  const differences = differenceLines(rows);
  return [
    "# UART loopback",
    "",
    ...headLines(record),
    `- ${record.kib} KiB of pseudo-random bytes for each direction, seed ${record.seed}`,
    "",
    ...tableText(HEAD, rows.map(rowCells)),
    "",
    ...named.map((name) => `- **${name}**: ${FAULTS[name] ?? REMARKS[name]}`),
    ...(differences.length === 0
      ? []
      : ["", "First differences (place: sent -> received):", "", ...differences]),
    ...rows.flatMap(({ baud, error }) => (error === undefined ? [] : [`- ${baud}: ${error}`])),
    record.ok ? "Every byte came right at every rate." : "Not every byte came right.",
    "",
  ].join("\n");
}

function parse() {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      a: { type: "string" },
      b: { type: "string" },
      virtual: { type: "boolean", default: false },
      bauds: { type: "string", default: "9600,115200,921600,3000000" },
      kib: { type: "string", default: "32" },
      seed: { type: "string", default: "1" },
      out: { type: "string" },
    },
  });
  const [kib] = parseNumbers("kib", values.kib, 1, 65_536);
  const [seed] = parseNumbers("seed", values.seed, 0, 2 ** 32 - 4);
  const folder = mkdtempSync(join(tmpdir(), "mayday-loopback-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  if (values.port !== undefined && (values.virtual || values.a !== undefined || values.b !== undefined)) {
    throw new BenchUsageError("--port is one port with a jumper: leave out --a, --b and --virtual");
  }
  const ends = values.port === undefined ? endsOf(values, folder) : { a: values.port, b: undefined };
  const setup = values.virtual
    ? "virtual cable"
    : ends.b === undefined
      ? "jumper from TX to RX"
      : "crossed cable";
  const bauds = parseNumbers("bauds", values.bauds, 50, 12_000_000);
  return { ...ends, setup, bauds, kib, seed, isVirtual: values.virtual, out: values.out };
}

async function main() {
  const { a, b, setup, bauds, kib, seed, isVirtual, out } = parse();
  const rows = [];
  const ports = [];
  for (const baud of bauds) {
    const cable = isVirtual ? await startCable("--a", a, "--b", b, "--baud", String(baud)) : undefined;
    if (cable?.kind === "socat") process.stderr.write("no C compiler: the cable has no true rate\n");
    if (ports.length === 0 && !isVirtual) {
      for (const path of [a, b]) if (path !== undefined) ports.push(await portFacts(path));
    }
    const done = await runBaud({ a, b, baud, kib, seed, hasTrueRate: cable?.kind !== "socat" });
    await cable?.close();
    for (const row of done) process.stderr.write(`${rowCells(row).join("  ")}\n`);
    rows.push(...done);
  }
  const ok = rows.every(({ faults }) => faults.length === 0);
  const record = { ...recordHead("uart-loopback", setup, ports), ok, kib, seed, bauds, rows };
  const markdown = markdownOf(record);
  process.stdout.write(markdown);
  writeRecord(out, record, markdown);
  return ok;
}

await runBench(USAGE, main);
