#!/usr/bin/env node
// A real `mayday rescue` on five TCP links: on four of them made-up boards call without end, on the fifth a real one does.
// Prints what that costs the rescuer, and how long the real boards take. `npm run evidence:flood -- --help`.
import "../dist/crypto/use-node-crypto.js";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SeededRandom } from "../dist/base/prng.js";
import { openBoard } from "../dist/board/board.js";
import { initBoard } from "../dist/board/new-board.js";
import { readLinkKey } from "../dist/files/link-key-file.js";
import { openDirectoryRepository } from "../dist/image-files/directory-repository.js";
import { buildImageFile } from "../dist/image-files/image-build.js";
import { openImageFile } from "../dist/image-files/image-file.js";
import { loadSigningKey, writeKeyPair } from "../dist/image-files/pem-keys.js";
import { encodeDelimited } from "../dist/wire/cobs.js";
import { encodeMessage } from "../dist/wire/frame.js";
import { machineFacts } from "../hw-loopback/lib.mjs";

const HELP =
  "npm run evidence:flood -- [--seconds 60] [--mib 32] [--calls 160] [--links 4] [--out docs/evidence/flood]\n";
const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const HARDWARE = { vendor: "acme", hardwareClass: "widget" };
const LIMITS = { rssMb: 150, descriptors: 100, times: 2 };
/** From this length on the times mean something. */
const TIMED_SECONDS = 30;
const DAMAGED_SECTORS = 64;
const BURST_MS = 50;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    mib: { type: "string", default: "32" },
    calls: { type: "string", default: "160" },
    links: { type: "string", default: "4" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [seconds, mib, calls, links] = ["seconds", "mib", "calls", "links"].map((name) => Number(values[name]));

/** The call of a board that is not there, as it is on the wire. */
function ghostCall() {
  const version = { major: 0, minor: 0, patch: 0 };
  const hardwareId = Uint8Array.from(createHash("sha256").update("acme/widget").digest().subarray(0, 8));
  const ids = { nodeId: random(8), bootNonce: random(8), hardwareId };
  const status = { revision: 0, failure: "empty", isProvider: false, version, sequence: 0, counterFloor: 0 };
  const none = { installedDigest: undefined, receivingDigest: undefined };
  return encodeDelimited(encodeMessage({ tag: "distress", ...ids, ...status, ...none }, 1));
}

function random(length) {
  return Uint8Array.from(randomBytes(length));
}

/** A wire between the rescuer and the board that connects at the other end, on which others can call. */
class Wire {
  rescuer;
  board;
  sent = 0;
  #servers = [];

  async open() {
    this.rescuerPort = await this.#listen((socket) => {
      this.rescuer = socket;
      socket.on("data", (bytes) => this.board?.write(bytes));
    });
    this.boardPort = await this.#listen((socket) => {
      this.board = socket;
      socket.on("data", (bytes) => this.rescuer?.write(bytes));
      socket.on("close", () => {
        this.board = undefined;
      });
    });
  }

  async #listen(onSocket) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      onSocket(socket);
    });
    this.#servers.push(server);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server.address().port;
  }

  /** Calls `perSecond` times a second until the time is over. */
  async flood(perSecond, until) {
    const begun = performance.now();
    while (performance.now() < until) {
      const due = Math.floor(((performance.now() - begun) * perSecond) / 1000) - this.sent;
      for (let i = 0; i < due; i++) this.rescuer.write(ghostCall());
      this.sent += Math.max(0, due);
      await sleep(BURST_MS);
    }
  }

  close() {
    this.rescuer?.destroy();
    this.board?.destroy();
    for (const server of this.#servers) server.close();
  }
}

function start(args) {
  const child = spawn(process.execPath, [MAIN, ...args, "--json"], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text = (text + chunk).slice(-65_536);
  });
  const ended = new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
  return { child, ended };
}

/** Peak of resident memory in MB, and descriptors, of a process that runs. */
function usage(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
  return { rssMb: (peakKb * 1024) / 1e6, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function watch(pid, until) {
  const most = { rssMb: 0, descriptors: 0 };
  while (performance.now() < until) {
    const now = usage(pid);
    most.rssMb = Math.max(most.rssMb, now.rssMb);
    most.descriptors = Math.max(most.descriptors, now.descriptors);
    await sleep(100);
  }
  return most;
}

async function prepare(dir, isKeyed) {
  const at = (name) => join(dir, name);
  const size = mib * 1_048_576;
  writeFileSync(at("fw.bin"), randomBytes(size - 5));
  writeKeyPair(at("owner"));
  writeFileSync(at("link.key"), `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  const signer = loadSigningKey(at("owner.key"));
  const version = { major: 1, minor: 0, patch: 0 };
  await buildImageFile({ input: at("fw.bin"), out: at("fw.mdy"), ...HARDWARE, version, signer });
  await (await openDirectoryRepository(at("images"), { create: true })).add(at("fw.mdy"));
  let made = 0;
  const board = async () => {
    const path = at(`board-${made++}`);
    const image = await openImageFile(at("fw.mdy"));
    const trust = [{ path: at("owner.pub"), roles: ["app"] }];
    const key = isKeyed ? { linkKey: readLinkKey(at("link.key"), () => {}) } : {};
    const shape = { hardware: HARDWARE, revision: 0, sectorSize: 4096, slotSize: size, layout: "single" };
    initBoard(path, { ...shape, trust, allowUnsigned: false, image, ...key });
    await image.close();
    const opened = openBoard(path, { write: true });
    for (let i = 0; i < DAMAGED_SECTORS; i++) opened.damage({ sector: 3 * i }, new SeededRandom(i));
    opened.close();
    return path;
  };
  return { board, keyFlags: isKeyed ? ["--link-key", at("link.key")] : [], images: at("images") };
}

/** Seconds until a board is healed over a wire. */
async function heal(wire, board) {
  const from = performance.now();
  const link = `tcp:127.0.0.1:${wire.boardPort}`;
  const { code, text } = await start(["distress", "--link", link, "--board", board, "--timeout", "60"]).ended;
  if (code !== 0) throw new Error(`distress ended with ${code}: ${text.slice(-500)}`);
  return (performance.now() - from) / 1000;
}

async function play(isKeyed) {
  const dir = mkdtempSync(join(tmpdir(), "mayday-flood-"));
  const wires = Array.from({ length: links + 1 }, () => new Wire());
  for (const wire of wires) await wire.open();
  const honest = wires.at(-1);
  const flooded = wires.slice(0, -1);
  let rescue;
  try {
    const { board, images, keyFlags } = await prepare(dir, isKeyed);
    const flags = wires.flatMap((wire) => ["--link", `tcp:127.0.0.1:${wire.rescuerPort}`]);
    rescue = start(["rescue", ...flags, "--repo", images, ...keyFlags]);
    while (wires.some((wire) => wire.rescuer === undefined)) await sleep(50);
    const boards = [];
    for (let i = 0; i < links + 2; i++) boards.push(await board());
    const alone = await heal(honest, boards.pop());
    const until = performance.now() + seconds * 1000;
    const floods = flooded.map((wire) => wire.flood(calls, until));
    const watching = watch(rescue.child.pid, until);
    await sleep(Math.min(5_000, seconds * 300));
    const during = await heal(honest, boards.pop());
    await Promise.all(floods);
    const most = await watching;
    const after = [];
    for (const wire of flooded) after.push(await heal(wire, boards.pop()));
    const sent = flooded.reduce((sum, wire) => sum + wire.sent, 0);
    return { isKeyed, sent, ...most, alone, during, after };
  } finally {
    rescue?.child.kill("SIGTERM");
    for (const wire of wires) wire.close();
    await rescue?.ended;
    rmSync(dir, { recursive: true, force: true });
  }
}

function faults({ sent, rssMb, descriptors, alone, during }) {
  const found = [];
  if (sent < 0.8 * calls * links * seconds) found.push(`only ${sent} calls were sent`);
  if (rssMb >= LIMITS.rssMb) found.push(`${rssMb.toFixed(0)} MB`);
  if (descriptors >= LIMITS.descriptors) found.push(`${descriptors} descriptors`);
  if (seconds >= TIMED_SECONDS && during > LIMITS.times * alone)
    found.push(`a board on another link took ${(during / alone).toFixed(2)} times as long`);
  return found;
}

function row({ isKeyed, sent, rssMb, descriptors, alone, during, after }) {
  const cells = [
    isKeyed ? "yes" : "no",
    sent,
    rssMb.toFixed(0),
    descriptors,
    alone.toFixed(2),
    `${during.toFixed(2)} (${(during / alone).toFixed(2)} times)`,
    after.map((time) => time.toFixed(2)).join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
}

if (values.help) process.stdout.write(HELP);
else {
  const results = [await play(false), await play(true)];
  const commit = spawnSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).stdout.trim();
  const { node, cpus: count, model } = machineFacts();
  const text = [
    "# A flood of calls",
    "",
    `Commit ${commit}; Node ${node}; ${count} x ${model}.`,
    "",
    `One \`mayday rescue\` with an image of ${mib} MiB; ${calls} calls a second, each from another made-up board, on each of`,
    `${links} TCP links for ${seconds} s; meanwhile a real board on one more link, then one on each flooded link. Healing`,
    `writes ${DAMAGED_SECTORS} sectors; seconds are those of the whole \`mayday distress\`. Again: \`npm run evidence:flood\`.`,
    `Limits: ${LIMITS.rssMb} MB, ${LIMITS.descriptors} descriptors, ${LIMITS.times} times.`,
    "",
    "| link key | calls | peak MB | descriptors | alone s | during s | after s |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...results.map(row),
  ].join("\n");
  process.stdout.write(`${text}\n`);
  if (values.out !== undefined) writeFileSync(`${values.out}.md`, `${text}\n`);
  const found = results.flatMap(faults);
  for (const fault of found) process.stderr.write(`beyond the limit: ${fault}\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
