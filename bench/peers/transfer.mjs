// One transfer by one peer over a cable of its own, with the two spans that are compared.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BenchUsageError, fromDist, round, startCable } from "../../hw-loopback/lib.mjs";

/** The receiver runs this long before the sender starts: every peer's is ready by then. */
const HEAD_START_MS = 700;
/** What the programs wrote last is on the line within this, beside the delay. */
const SETTLE_MS = 100;

/** Throws unless all programs of the peers are installed, and names Debian's packages of those that are not. */
export function checkPrograms(peers) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const isThere = (program) => folders.some((folder) => existsSync(join(folder, program)));
  const missing = peers.filter(({ programs }) => !programs.every(isThere));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((peer) => peer.package))].join(" ");
  const names = missing.flatMap(({ programs }) => programs.filter((program) => !isThere(program)));
  throw new BenchUsageError(
    `not installed: ${names.join(", ")}; fix: apt-get install ${packages}, or leave peers out with --peers`,
  );
}

/** The library that keeps what lrzsz wrote before it drained and flushed a pseudo terminal. */
export async function drainLibrary() {
  const { buildHelper } = await fromDist("transport/cable/helper-build.js");
  const flags = ["-std=c99", "-O2", "-shared", "-fPIC"];
  const built = await buildHelper({ name: "pty-drain", flags, libraries: [] });
  if (typeof built !== "string") throw new Error(`the bench needs a C compiler: ${built.missing}`);
  return built;
}

/** Starts a program at one end; `ended` resolves with its exit code and when. */
function start({ command, args }, { path, library }, peer, folder) {
  const options = { cwd: folder, stdio: ["ignore", "pipe", "pipe"] };
  let fd;
  if (peer.isOnStandardStreams) {
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    options.stdio = [fd, fd, "pipe"];
    options.env = { ...process.env, LD_PRELOAD: library };
  }
  const child = spawn(command, args, options);
  if (fd !== undefined) closeSync(fd);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-400);
    });
  }
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: -1, at: performance.now(), said: error.message }));
    child.once("close", (code) => {
      process.off("exit", end);
      resolve({ code, at: performance.now(), said: said.trim() });
    });
  });
  return { ended, end };
}

/** Both programs to their end, to the first failure, or to the limit. */
async function both(receiver, sender, limitMs) {
  let why = "";
  const giveUp = (reason) => {
    if (why === "") why = reason;
    receiver.end();
    sender.end();
  };
  const timer = setTimeout(() => giveUp(`not done after ${round(limitMs / 1000)} s`), limitMs);
  const watch = (side, name) =>
    side.ended.then((end) => {
      if (end.code !== 0) giveUp(`${name}: exit code ${end.code} ${end.said.split(/[\r\n]+/).at(-1)}`.trim());
      return end.at;
    });
  const ends = await Promise.all([watch(receiver, "receiver"), watch(sender, "sender")]);
  clearTimeout(timer);
  return { why, endedAt: Math.max(...ends) };
}

/** Two processes that never rest, at the usual priority; returns what ends them. */
function startBusy() {
  const busy = [1, 2].map(() => spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" }));
  const end = () => busy.forEach((child) => void child.kill("SIGKILL"));
  process.once("exit", end);
  return () => {
    process.off("exit", end);
    end();
  };
}

/** From the sender's first byte on the line to the last byte either way; undefined if it sent none. */
function lineSeconds({ aToB, bToA }) {
  if (bToA.firstByteMs === null) return undefined;
  return (Math.max(aToB.lastByteMs ?? 0, bToA.lastByteMs) - bToA.firstByteMs) / 1000;
}

/**
 * Transfers `image`: the receiver at end a, the sender at end b. `ok`: both programs ended with 0 within the limit and
 * every byte is right. `lineSeconds` is the cable's own measure; `wholeSeconds` runs from the start of the sender, which
 * is started second, to the end of the last program.
 */
export async function transfer(peer, setting, { line, seed, image, limitMs, library }) {
  const folder = mkdtempSync(join(tmpdir(), "mayday-peers-"));
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", tidy);
  const received = join(folder, "received");
  mkdirSync(received);
  peer.prepare(folder, image);
  const ends = ["a", "b"].map((name) => ({ path: join(folder, name), baud: line.baud, library }));
  const latency = ["--latency", String(line.latencyMs)];
  const paths = ["--a", ends[0].path, "--b", ends[1].path];
  const rate = ["--baud", String(line.baud), "--seed", String(seed)];
  const cable = await startCable(...paths, ...rate, ...latency, ...line.cable);
  const endBusy = line.isBusy ? startBusy() : () => {};
  try {
    // Programs that take the terminal as they find it take its rate from there.
    for (const { path, baud } of ends) execFileSync("stty", ["-F", path, "raw", "-echo", String(baud)]);
    const receiver = start(peer.receiver(folder, ends[0], setting), ends[0], peer, received);
    await sleep(HEAD_START_MS);
    const startedAt = performance.now();
    const sender = start(peer.sender(folder, ends[1], setting), ends[1], peer, folder);
    const { why, endedAt } = await both(receiver, sender, limitMs);
    endBusy();
    await sleep(SETTLE_MS + line.latencyMs);
    const { lines } = await cable.close();
    const counters = lines.find(({ event }) => event === "counters");
    const result = {
      seed,
      lineSeconds: round(lineSeconds(counters) ?? 0),
      wholeSeconds: round((endedAt - startedAt) / 1000),
      bytesThere: counters.bToA.octets,
      bytesBack: counters.aToB.octets,
      overrun: counters.aToB.overrun + counters.bToA.overrun,
    };
    const fault = why === "" && !isExact(peer, folder, image) ? "wrong bytes" : why;
    return fault === "" ? { ok: true, ...result } : { ok: false, why: fault, ...result };
  } finally {
    endBusy();
    await cable.close();
    process.off("exit", tidy);
    tidy();
  }
}

function isExact(peer, folder, image) {
  try {
    return Buffer.from(peer.received(folder)).equals(image);
  } catch {
    return false;
  }
}
