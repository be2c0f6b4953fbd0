// What the benches share: facts for records, records, the built command line, virtual cables, how a bench ends.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
/** The built command line. */
export const MAIN = `${ROOT}/dist/cli/main.js`;
const CABLE_READY_LIMIT_MS = 5000;

/** A module of the built project, by its path in dist/. */
export async function fromDist(path) {
  try {
    return await import(new URL(`../dist/${path}`, import.meta.url).href);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`dist/${path} cannot be loaded (${error.message}): run \`npm run build\` first`);
  }
}

/** Runs the built `mayday ARGS`; throws when it exits with anything but 0 (`status`, `stderr` of the error). */
export function mayday(...args) {
  return execFileSync(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Starts the built `mayday ARGS`. `ended` resolves with its exit code, its JSON lines, and what it said on stderr. */
export function startMayday(...args) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGTERM");
  process.once("exit", end);
  let text = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    stderr += chunk;
  });
  const lines = () => text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  const ended = new Promise((resolve) => {
    child.on("close", (code) => {
      process.off("exit", end);
      resolve({ code, lines: lines(), stderr });
    });
  });
  return { child, ended, text: () => text };
}

/** Starts `mayday cable ARGS`; resolves when both ends can be opened. `kind` "socat": without a true rate, no compiler. */
export async function startCable(...args) {
  const cable = startMayday("cable", ...args, "--json");
  let isOver = false;
  const over = cable.ended.then(({ stderr }) => {
    isOver = true;
    return stderr.trim();
  });
  const started = performance.now();
  while (!/^\{.*"ready".*\n/.test(cable.text())) {
    if (isOver || performance.now() - started > CABLE_READY_LIMIT_MS) {
      cable.child.kill("SIGTERM");
      throw new Error(`no virtual cable: ${await over}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const close = () => {
    cable.child.kill("SIGTERM");
    return cable.ended;
  };
  const { kind } = JSON.parse(cable.text().split("\n", 1)[0]);
  return { kind, close };
}

/** Version, and the commit of this checkout, with "+" when files differ from it; no commit for an installed package. */
export function sourceOf() {
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8"));
  const git = (...args) =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    // An installed package may lie within another repository, whose commits mean nothing here.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(ROOT)) return { version };
    const mark = git("status", "--porcelain", "-uno") === "" ? "" : "+";
    return { version, commit: `${git("rev-parse", "--short", "HEAD")}${mark}` };
  } catch {
    return { version };
  }
}

/** What a figure depends on: no host name, no serial number. */
export function machineFacts() {
  return {
    node: process.version,
    system: `${type()} ${release()} ${arch()}`,
    cpus: cpus().length,
    model: cpus()[0]?.model,
    board: boardModel(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
  };
}

/** "Raspberry Pi 4 Model B Rev 1.4"; undefined where there is no device tree. */
function boardModel() {
  try {
    return readFileSync("/proc/device-tree/model", "utf8").split("\0", 1)[0];
  } catch {
    return undefined;
  }
}

/** A serial port for a record: adapter, driver and latency timer as far as they can be found out. */
export async function portFacts(path) {
  if (path === undefined) return undefined;
  const { listPorts } = await fromDist("transport/serial/port-list.js");
  const device = realpathOr(path);
  const found = (await listPorts()).serial.find((port) => realpathOr(port.path) === device);
  if (found === undefined) return { path, device };
  const { driver, manufacturer, product, vendorId, productId, latencyTimerMs } = found;
  return { path, device, driver, manufacturer, product, vendorId, productId, latencyTimerMs };
}

function realpathOr(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** "port /dev/ttyUSB0: FTDI FT232R 0403:6001, driver ftdi_sio, latency timer 1 ms". */
export function portText({ path, driver, manufacturer, product, vendorId, productId, latencyTimerMs }) {
  const ids = vendorId === undefined ? [] : [`${vendorId}:${productId ?? "?"}`];
  const facts = [
    [manufacturer, product, ...ids].filter((part) => part !== undefined).join(" "),
    driver && `driver ${driver}`,
    latencyTimerMs !== undefined && `latency timer ${latencyTimerMs} ms`,
  ].filter(Boolean);
  return `port ${path}: ${facts.length === 0 ? "no adapter known" : facts.join(", ")}`;
}

/** What every record begins with. `ports` are those of {@link portFacts}. */
export function recordHead(bench, setup, ports) {
  return { bench, date: new Date().toISOString(), ...sourceOf(), machine: machineFacts(), setup, ports };
}

/** The same as lines of Markdown. */
export function headLines({ date, version, commit, machine, setup, ports }) {
  const { board, model, cpus: count, system, node } = machine;
  const cpu = `${board === undefined ? "" : `${board}, `}${model ?? "unknown CPU"} x ${count}`;
  const source = `mayday ${version}${commit === undefined ? "" : `, commit ${commit}`}`;
  return [`${date}, ${source}`, `${cpu}, ${system}, Node ${node}`, setup, ...ports.map(portText)].map(
    (line) => `- ${line}`,
  );
}

/** A Markdown table. */
export function tableText(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** Writes BASE.json and BASE.md, making the folder; nothing when `base` is undefined. */
export function writeRecord(base, json, markdown) {
  if (base === undefined) return;
  mkdirSync(dirname(base), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(json, null, 2)}\n`);
  writeFileSync(`${base}.md`, markdown);
}

/** The caller's mistake: exit 2. */
export class BenchUsageError extends Error {
  exitCode = 2;
}

/** A list of whole numbers within limits, from `--bauds 9600,115200`. */
export function parseNumbers(name, text, min, max) {
  return text.split(",").map((part) => {
    const value = Number(part);
    if (/^\d+$/.test(part.trim()) && value >= min && value <= max) return value;
    throw new BenchUsageError(`--${name}: "${part}" is not a whole number from ${min} to ${max}`);
  });
}

/** The two ends, `{ a, b }`, that `--a`, `--b` and `--virtual` name; the virtual ones lie in `folder`. */
export function endsOf({ a, b, virtual = false }, folder) {
  if (virtual) {
    if (a === undefined && b === undefined) return { a: `${folder}/a`, b: `${folder}/b` };
    throw new BenchUsageError("--virtual brings its own two ports: leave out --a and --b");
  }
  if (a === undefined || b === undefined) {
    throw new BenchUsageError("name two ports that are joined, --a and --b, or take --virtual");
  }
  if (realpathOr(a) !== realpathOr(b)) return { a, b };
  throw new BenchUsageError(`--a and --b are the same port, ${a}`);
}

export const round = (value) => Math.round(value * 1000) / 1000;

/** The sum of one field of all rows. */
export const sumOf = (rows, field) => rows.reduce((total, row) => total + row[field], 0);

/** "12.3 %"; nothing of nothing. */
export const percent = (part, whole) => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)} %`);

export const median = (list) => list.toSorted((x, y) => x - y)[Math.floor(list.length / 2)];

/**
 * Runs a bench: `main` returns whether all went well. Exit 0 or 1; 2 for a usage error, 6 for a port that cannot be
 * opened, 130 when interrupted. Whatever listens to the process's "exit" tidies up in each case.
 */
export async function runBench(usage, main) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  try {
    process.exitCode = (await main()) ? 0 : 1;
  } catch (error) {
    const isUsage = String(error.code).startsWith("ERR_PARSE_ARGS");
    process.exitCode = isUsage ? 2 : (error.exitCode ?? 1);
    process.stderr.write(`${error.message}\n`);
    if (process.exitCode === 2) process.stderr.write(`\n${usage}`);
  }
}
