// What is measured, part by part: each gives rows of figure, value and the value that is asked for.
import { execFileSync, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SerialPort } from "serialport";
import { median } from "../../hw-loopback/lib.mjs";
import { HealBench } from "./heal.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KIB = 1024;
const MIB = KIB * KIB;
const BAUD = 921_600;
const FAST_BAUD = 3_000_000;
/** The fastest rate of a tty that Linux names. */
const FASTEST_BAUD = 4_000_000;
/** A call is repeated this often until the rescuer answers. */
const CALL_EVERY_MS = 5;
const FIRST_BYTE_LIMIT_MS = 10_000;
/** A call takes less than this on the line, and the next one comes later. */
const MESSAGE_MS = 20;
const STALLS_MS = [200, 1000, 5000];
/** Into the transfer, which takes 2.9 s. */
const STALL_AT_MS = 1500;

const ms = (value) => `${Math.round(value)} ms`;
const seconds = (value) => `${value.toFixed(2)} s`;
const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
const times = async (count, once) => {
  const results = [];
  for (let i = 0; i < count; i++) results.push(await once());
  return results;
};

/** Milliseconds from the start of a process to its end. */
async function importTime() {
  const startedAt = performance.now();
  const args = ["--input-type=module", "-e", "import 'serialport'"];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
  await new Promise((resolve) => child.once("close", resolve));
  return performance.now() - startedAt;
}

/** One end of a cable, as bytes. */
async function openEnd(path) {
  const port = new SerialPort({ path, baudRate: BAUD, autoOpen: false });
  await new Promise((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return port;
}

/** Milliseconds from the start of a command until the other end of its cable hears its first byte, and what it heard then. */
async function firstByte(bench, start, otherEnd, call) {
  const cable = await bench.cable(BAUD);
  const port = await openEnd(bench.end(otherEnd));
  const heard = new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("no byte came")), FIRST_BYTE_LIMIT_MS);
    port.once("data", (bytes) => {
      clearTimeout(limit);
      const at = performance.now();
      // The rest of the message follows.
      const all = [bytes];
      port.on("data", (more) => all.push(more));
      setTimeout(() => resolve({ at, bytes: Buffer.concat(all) }), MESSAGE_MS);
    });
  });
  const startedAt = performance.now();
  const command = start();
  const calling = call && setInterval(() => port.write(call), CALL_EVERY_MS);
  try {
    const { at, bytes } = await heard;
    return { took: at - startedAt, bytes };
  } finally {
    clearInterval(calling);
    command.child.kill("SIGKILL");
    await new Promise((resolve) => port.close(resolve));
    await cable.close();
  }
}

/** From exec to the first byte on the line. */
export async function startPart(folder, runs) {
  const bench = new HealBench(folder, 64 * KIB);
  const imports = median(await times(runs, importTime));
  const calls = await times(runs, () => firstByte(bench, () => bench.startTarget(BAUD), "b"));
  const distress = median(calls.map(({ took }) => took));
  const call = calls[0].bytes;
  const offers = await times(runs, () => firstByte(bench, () => bench.startRescuer(BAUD), "a", call));
  const rescue = median(offers.map(({ took }) => took));
  return [
    ["`import 'serialport'` alone, start to end", ms(imports), ""],
    ["`distress`, start to its first byte", ms(distress), `${ms(imports + 60)}`],
    [
      `\`rescue\`, start to its first byte; it is called every ${CALL_EVERY_MS} ms`,
      ms(rescue),
      ms(imports + 60),
    ],
  ];
}

/** Both commands, started together, against the time on the line. */
export async function wholePart(folder, runs) {
  const bench = new HealBench(folder, 256 * KIB);
  const results = await times(runs, () => bench.heal(BAUD));
  const beyond = median(results.map(({ whole, line }) => whole - line));
  return [
    ["256 KiB at 921600: time on the line", seconds(median(results.map(({ line }) => line))), ""],
    ["both commands, start to end", seconds(median(results.map(({ whole }) => whole))), ""],
    ["beyond the time on the line", seconds(beyond), "0.30 s"],
  ];
}

/** Processor time of both commands, their start included, as a share of one core. */
export async function processorPart(folder, runs) {
  const bench = new HealBench(folder, 4 * MIB);
  const results = await times(runs, () => bench.heal(FAST_BAUD));
  const of = (side) => share(median(results.map((r) => r[side].cpu / r.whole)), 1);
  return [
    ["4 MiB at 3 Mbaud: rescuer, of one core", of("rescuer"), "9 %"],
    ["4 MiB at 3 Mbaud: target, of one core", of("target"), "12 %"],
  ];
}

/** Each side is stopped once in a transfer. */
export async function stallsPart(folder, runs) {
  const bench = new HealBench(folder, 256 * KIB);
  const rows = [];
  for (const side of ["target", "rescuer"])
    for (const stall of STALLS_MS) {
      const results = await times(runs, () =>
        bench.heal(BAUD, async (both) => {
          await sleep(STALL_AT_MS);
          both[side].child.kill("SIGSTOP");
          await sleep(stall);
          both[side].child.kill("SIGCONT");
        }),
      );
      const resent = results.map(({ rescuer }) => rescuer.verdict.resentBytes);
      rows.push([
        `${side} stopped for ${ms(stall)}: bytes sent again, most`,
        String(Math.max(...resent)),
        "0",
      ]);
    }
  return rows;
}

/** Memory of both commands at most, with one image of 64 MiB. */
export async function memoryPart(folder) {
  const { target, rescuer, line } = await new HealBench(folder, 64 * MIB).heal(FASTEST_BAUD);
  return [
    ["64 MiB at 4 Mbaud: time on the line", seconds(line), ""],
    ["rescuer, memory at most", `${Math.round(rescuer.mebibytes)} MiB`, "120 MB"],
    ["target, memory at most", `${Math.round(target.mebibytes)} MiB`, "120 MB"],
  ];
}

/** The core without processes: both roles and a board in memory, in virtual time. */
export function corePart() {
  execFileSync("npx", ["tsc", "-p", "tsconfig.lab.json"], { cwd: ROOT, stdio: "inherit" });
  const script = fileURLToPath(new URL("core.mjs", import.meta.url));
  const rows = JSON.parse(
    execFileSync(process.execPath, ["--single-threaded-gc", script], { encoding: "utf8" }),
  );
  return rows;
}
