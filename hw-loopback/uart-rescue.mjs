#!/usr/bin/env node
// Whole rescues over two ports with the real command line: one process is the board in distress, one its rescuer.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  endsOf,
  headLines,
  mayday,
  parseNumbers,
  portFacts,
  recordHead,
  round,
  runBench,
  startCable,
  startMayday,
  tableText,
  writeRecord,
} from "./lib.mjs";

const USAGE = `Usage: node hw-loopback/uart-rescue.mjs (--a PORT --b PORT | --virtual) [options]

Two acts at each rate: an empty board gets the whole image, and then has one of its sectors damaged and repaired.

  --a, --b PORT    two ports joined by a crossed cable: the board in distress is at a, its rescuer at b
  --virtual        a virtual cable of its own, no hardware
  --bauds LIST     rates (115200,921600)
  --kib N          size of the image in KiB, 8 to 65536 (256)
  --runs N         runs of each act at each rate, 1 to 100 (1)
  --timeout S      longest time for a rescue, 1 to 86400 (30 s and four times the line time)
  --out BASE       write BASE.json and BASE.md; take hw-loopback/records/NAME for real hardware

Exit codes: 0 every board is healed, exact, and boots, 1 not so, 2 usage error, 6 port missing or busy.
`;

const HARDWARE = "bench/board";
const NOT_BOOTABLE = 5;
const TRANSPORT = 6;
const BITS_PER_BYTE = 10;

/** What both acts need: keys, firmware, a signed image. Returns where to find it. */
function makeStage(folder, bytes) {
  const path = (name) => join(folder, name);
  mayday("keygen", "--out", path("owner"));
  writeFileSync(path("firmware.bin"), randomBytes(bytes));
  const what = ["--hardware", HARDWARE, "--version", "1.0.0", "--key", path("owner.key")];
  mayday("image", "build", "--in", path("firmware.bin"), ...what, "--out", path("firmware.mdy"));
  return { path, bytes };
}

/** A board with nothing in it. */
function makeBoard({ path, bytes }) {
  rmSync(path("board"), { recursive: true, force: true });
  const what = ["--hardware", HARDWARE, "--flash-size", String(bytes), "--trust", path("owner.pub")];
  mayday("board", "init", path("board"), ...what);
}

/** Breaks one sector of the image that the board boots. */
function damageBoard({ path }) {
  mayday("board", "damage", path("board"));
  if (bootCode(path) !== NOT_BOOTABLE) throw new Error("the damaged board still boots");
}

function bootCode(path) {
  try {
    mayday("board", "boot", path("board"));
    return 0;
  } catch (error) {
    return error.status;
  }
}

/** One rescue; `ok` when both commands ended well, every byte is right, and the board boots. */
async function runAct(stage, act, { a, b, baud, timeoutSeconds }) {
  const { path, bytes } = stage;
  const patience = ["--timeout", String(timeoutSeconds), "--json"];
  const link = (port) => ["--link", `serial:${port}?baud=${baud}`];
  const started = performance.now();
  const target = startMayday("distress", ...link(a), "--board", path("board"), ...patience);
  const rescuer = startMayday("rescue", ...link(b), "--image", path("firmware.mdy"), "--once", ...patience);
  // Where one has no port, the other would wait for nothing.
  for (const [one, other] of [
    [target, rescuer],
    [rescuer, target],
  ]) {
    void one.ended.then(({ code }) => code === TRANSPORT && other.child.kill("SIGTERM"));
  }
  const [distress, rescue] = await Promise.all([target.ended, rescuer.ended]);
  const wallSeconds = round((performance.now() - started) / 1000);
  const [told, heard] = [rescue, distress].map(({ lines }) => lines.find(({ event }) => event === "verdict"));
  const boots = bootCode(path) === 0;
  const isExact = boots && readBack(path).equals(readFileSync(path("firmware.bin")));
  const ok = distress.code === 0 && rescue.code === 0 && isExact;
  return {
    act,
    baud,
    ok,
    isExact,
    boots,
    exitCodes: { distress: distress.code, rescue: rescue.code },
    bytesToBoard: told?.bytesTx,
    bytesFromBoard: told?.bytesRx,
    resentBytes: told?.resentBytes,
    blocks: told?.blocks,
    seconds: told && round(told.seconds),
    wallSeconds,
    // Line time of the image by the rescue's: of an install, its share of the line rate; of a repair, how many times
    // faster it was than sending the image whole could be.
    imageRate: ok ? round((bytes * BITS_PER_BYTE) / baud / told.seconds) : undefined,
    errors: ok ? undefined : [reasonOf("distress", heard, distress), reasonOf("rescue", told, rescue)],
  };
}

function readBack(path) {
  mayday("board", "read", path("board"), "--out", path("back.bin"));
  return readFileSync(path("back.bin"));
}

function reasonOf(name, verdict, { code, stderr }) {
  const said = verdict?.detail ?? verdict?.message ?? stderr.trim().split("\n").at(-1);
  return `${name}: exit ${code}, ${verdict?.reason ?? "no verdict"}: ${said}`;
}

const HEAD = [
  "act",
  "baud",
  "bytes to the board",
  "back",
  "sent again",
  "blocks",
  "seconds",
  "wall clock",
  "rate",
  "result",
];

function rowCells(row) {
  const counts = [row.bytesToBoard, row.bytesFromBoard, row.resentBytes, row.blocks, row.seconds];
  const cells = [row.act, row.baud, ...counts.map((value) => value ?? ""), row.wallSeconds];
  return row.ok ? [...cells, rateText(row), "exact, boots"] : [...cells, "", "FAILED"];
}

function rateText({ act, imageRate }) {
  return act === "repair" ? `${imageRate.toFixed(1)} x` : `${(100 * imageRate).toFixed(1)} %`;
}

function markdownOf(record) {
  const { rows, ok, kib } = record;
  const failures = rows.flatMap(({ act, baud, errors = [] }) =>
    errors.map((text) => `- ${act} at ${baud}: ${text}`),
  );
  return [
    "# UART rescue",
    "",
    ...headLines(record),
    `- ${kib} KiB of random bytes; install: onto an empty board; repair: one sector of 4 KiB was damaged`,
    "- seconds: from the first byte of the manifest to DONE; wall clock: both commands from start to end",
    "- rate: of an install, the image's bytes as a share of the line rate; of a repair, how many times faster it was than sending the image whole could be",
    "",
    ...tableText(HEAD, rows.map(rowCells)),
    "",
    ...failures,
    ok ? "Every board was healed, is exact, and boots." : "Not every board was healed.",
    "",
  ].join("\n");
}

function parse(folder) {
  const { values } = parseArgs({
    options: {
      a: { type: "string" },
      b: { type: "string" },
      virtual: { type: "boolean", default: false },
      bauds: { type: "string", default: "115200,921600" },
      kib: { type: "string", default: "256" },
      runs: { type: "string", default: "1" },
      timeout: { type: "string" },
      out: { type: "string" },
    },
  });
  const [kib] = parseNumbers("kib", values.kib, 8, 65_536);
  const [runs] = parseNumbers("runs", values.runs, 1, 100);
  const [timeout] = values.timeout === undefined ? [] : parseNumbers("timeout", values.timeout, 1, 86_400);
  const bauds = parseNumbers("bauds", values.bauds, 50, 12_000_000);
  return { ...endsOf(values, folder), isVirtual: values.virtual, bauds, kib, runs, timeout, out: values.out };
}

/** Both acts on one board; without the first there is nothing to repair. */
async function runActs(stage, line) {
  const rows = [];
  makeBoard(stage);
  for (const act of ["install", "repair"]) {
    if (act === "repair") damageBoard(stage);
    const row = await runAct(stage, act, line);
    process.stderr.write(`${rowCells(row).join("  ")}\n`);
    if (Object.values(row.exitCodes).includes(TRANSPORT)) {
      throw Object.assign(new Error(row.errors.join("\n")), { exitCode: TRANSPORT });
    }
    rows.push(row);
    if (!row.ok) break;
  }
  return rows;
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "mayday-rescue-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { a, b, isVirtual, bauds, kib, runs, timeout, out } = parse(folder);
  const stage = makeStage(folder, kib * 1024);
  const ports = isVirtual ? [] : [await portFacts(a), await portFacts(b)];
  const rows = [];
  for (const baud of bauds) {
    const cable = isVirtual ? await startCable("--a", a, "--b", b, "--baud", String(baud)) : undefined;
    const timeoutSeconds = timeout ?? Math.ceil(30 + (4 * stage.bytes * BITS_PER_BYTE) / baud);
    for (let run = 0; run < runs; run++) {
      rows.push(...(await runActs(stage, { a, b, baud, timeoutSeconds })));
    }
    await cable?.close();
  }
  const ok = rows.every((row) => row.ok);
  const setup = isVirtual ? "virtual cable" : "crossed cable";
  const record = { ...recordHead("uart-rescue", setup, ports), ok, kib, runs, bauds, rows };
  const markdown = markdownOf(record);
  process.stdout.write(markdown);
  writeRecord(out, record, markdown);
  return ok;
}

await runBench(USAGE, main);
