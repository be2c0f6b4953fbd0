#!/usr/bin/env node
// A real `mayday rescue` with two links heals two boards in turn, 200 times. What it takes of memory after 20 heals and at the end.
import "../dist/crypto/use-node-crypto.js";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "../dist/base/prng.js";
import { openBoard } from "../dist/board/board.js";
import { initBoard } from "../dist/board/new-board.js";
import { readLinkKey, writeFreshLinkKey } from "../dist/files/link-key-file.js";
import { openDirectoryRepository } from "../dist/image-files/directory-repository.js";
import { buildImageFile } from "../dist/image-files/image-build.js";
import { openImageFile } from "../dist/image-files/image-file.js";
import { loadSigningKey, writeKeyPair } from "../dist/image-files/pem-keys.js";
import { linkKeyOf } from "../dist/node/derived-link-key.js";
import { runDistress } from "../dist/node/distress-node.js";
import { startVirtualCable } from "../dist/transport/cable/virtual-cable.js";
import { parseEndpoint } from "../dist/transport/endpoint.js";
import {
  BenchUsageError,
  headLines,
  recordHead,
  runBench,
  startMayday,
  tableText,
  writeRecord,
} from "../hw-loopback/lib.mjs";

const USAGE = `usage: npm run evidence:companion -- [--heals N] [--out docs/evidence/companion]

One rescuer with two links over virtual cables at 3 Mbaud heals two boards in turn, N times (200). Each time a board has lost 16 of
its 64 sectors. There is a link key, since without one a board is believed once an hour that it is healed (ADR 0022).
Exit 0: every heal was done; at the end memory is at most 16 MB above that after heal 20 and 2 MB above that of half the heals, and
descriptors and threads are no more. 1: not so. 2: usage.
`;
const HARDWARE = { vendor: "acme", hardwareClass: "widget" };
const VERSION = { major: 1, minor: 0, patch: 0 };
const FIRMWARE_BYTES = 256 * 1024;
const SECTORS_LOST = 16;
const BAUD = 3_000_000;
const FIRST_SAMPLE = 20;
const GROWTH_MAX_KB = 16 * 1024;
/** From half of the heals on, when all code was compiled and V8 has seen its limit. */
const LATE_GROWTH_MAX_KB = 2 * 1024;
/** V8 lets garbage lie until it comes near its limit: without one, memory would show that and nothing else in 200 heals. */
const NODE_OPTIONS = "--max-old-space-size=32";
const HEAL_LIMIT_MS = 30_000;

/** Keys, an image in a repository, and two boards that have it. */
async function makeBench(dir) {
  writeKeyPair(join(dir, "owner"));
  writeFreshLinkKey(join(dir, "link.key"));
  writeFileSync(join(dir, "fw.bin"), randomBytes(FIRMWARE_BYTES));
  const signer = loadSigningKey(join(dir, "owner.key"));
  const out = join(dir, "fw.mdy");
  await buildImageFile({ input: join(dir, "fw.bin"), out, ...HARDWARE, version: VERSION, signer });
  await (await openDirectoryRepository(join(dir, "images"), { create: true })).add(out);
  for (const name of ["board-0", "board-1"]) {
    const image = await openImageFile(out);
    const trust = [{ path: join(dir, "owner.pub"), roles: ["app"] }];
    const flash = { sectorSize: 4096, slotSize: FIRMWARE_BYTES, layout: "single" };
    initBoard(join(dir, name), {
      hardware: HARDWARE,
      revision: 0,
      ...flash,
      trust,
      allowUnsigned: false,
      image,
    });
    await image.close();
  }
}

/** Breaks a board, and lets it call until it is healed; the reason of its verdict. */
async function heal(dir, port, random) {
  const board = openBoard(dir, { write: true });
  for (let lost = 0; lost < SECTORS_LOST; lost++) board.damage({ sector: 4 * lost }, random);
  const store = board.store();
  try {
    const verdict = await runDistress({
      links: [parseEndpoint(`serial:${port}?baud=${BAUD}`)],
      store,
      linkKey: linkKeyOf(readLinkKey(join(dirname(dir), "link.key"), () => {})),
      timeoutMs: HEAL_LIMIT_MS,
      signal: new AbortController().signal,
      onEvent: () => {},
    });
    return verdict.reason;
  } finally {
    store.close();
    board.close();
  }
}

/** Resident memory in kB, threads and open descriptors of a process. */
function sample(pid, heals) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { heals, rssKb: field("VmRSS"), threads: field("Threads"), descriptors };
}

async function run(dir, heals) {
  await makeBench(dir);
  const cables = [];
  const paths = (i) => ({ a: join(dir, `a${i}`), b: join(dir, `b${i}`) });
  for (const i of [0, 1]) cables.push(await startVirtualCable({ ...paths(i), baud: BAUD }));
  const links = [0, 1].flatMap((i) => ["--link", `serial:${paths(i).b}?baud=${BAUD}`]);
  process.env.NODE_OPTIONS = NODE_OPTIONS;
  const rescue = startMayday(
    "rescue",
    ...links,
    "--repo",
    join(dir, "images"),
    "--link-key",
    join(dir, "link.key"),
    "--json",
  );
  const random = new SeededRandom(1);
  const samples = [];
  const reasons = {};
  try {
    for (let i = 1; i <= heals; i++) {
      const reason = await heal(join(dir, `board-${i % 2}`), paths(i % 2).a, random);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      if (reason !== "healed") break;
      if (i === FIRST_SAMPLE || i % 50 === 0 || i === heals / 2 || i === heals)
        samples.push(sample(rescue.child.pid, i));
      if (i % FIRST_SAMPLE === 0) process.stderr.write(`${i} of ${heals} heals\n`);
    }
  } finally {
    rescue.child.kill("SIGTERM");
    for (const cable of cables) await cable.close();
  }
  const { code, lines } = await rescue.ended;
  return { samples, reasons, code, verdict: lines.at(-1) };
}

async function main() {
  const { values } = parseArgs({
    options: { heals: { type: "string", default: "200" }, out: { type: "string" } },
  });
  const heals = Number(values.heals);
  if (!Number.isInteger(heals) || heals <= FIRST_SAMPLE)
    throw new BenchUsageError(`--heals ${values.heals}: give a number above ${FIRST_SAMPLE}`);
  const dir = mkdtempSync(join(tmpdir(), "mayday-companion-"));
  try {
    const { samples, reasons, code, verdict } = await run(dir, heals);
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined) throw new Error(`no heals: ${JSON.stringify(reasons)}`);
    const half = samples.find((one) => one.heals >= heals / 2) ?? last;
    const isFlat =
      last.rssKb <= first.rssKb + GROWTH_MAX_KB &&
      last.rssKb <= half.rssKb + LATE_GROWTH_MAX_KB &&
      last.descriptors <= first.descriptors &&
      last.threads <= first.threads;
    const isDone = code === 0 && verdict?.healed === heals && reasons.healed === heals;
    const setup = `seed 1; ${heals} heals, ${SECTORS_LOST} of ${FIRMWARE_BYTES / 4096} sectors each, ${BAUD} baud`;
    const head = recordHead("companion", setup, []);
    const markdown = [
      "# A rescuer that heals two boards in turn",
      "",
      "One `mayday rescue` with two links over virtual cables. What it takes of memory after so many heals, as Linux counts it.",
      `Limits: ${GROWTH_MAX_KB / 1024} MB above the first row, ${LATE_GROWTH_MAX_KB / 1024} MB above that of half the heals, no more descriptors and`,
      `threads. NODE_OPTIONS=${NODE_OPTIONS}. Again: \`npm run evidence:companion\`.`,
      "",
      ...headLines(head),
      "",
      ...tableText(
        ["heals", "resident MB", "descriptors", "threads"],
        samples.map((one) => [one.heals, (one.rssKb / 1024).toFixed(1), one.descriptors, one.threads]),
      ),
      "",
      `Verdict after SIGTERM: exit ${code}, healed ${verdict?.healed}. Verdicts of the boards: ${JSON.stringify(reasons)}.`,
      `${isFlat ? "Within" : "NOT within"} the limits.`,
      "",
    ].join("\n");
    process.stdout.write(`${markdown}\n`);
    writeRecord(values.out, { ...head, samples, reasons, verdict }, markdown);
    return isFlat && isDone;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

await runBench(USAGE, main);
