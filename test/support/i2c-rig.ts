import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildHelper } from "../../src/transport/cable/helper-build.ts";
import type { I2cPeripheralHandler } from "../../src/transport/i2c/bus.ts";
import { I2cSocketServer } from "../../src/transport/i2c/rig-socket.ts";

const CONTROLLER = fileURLToPath(new URL("i2c-controller.mjs", import.meta.url));
const CONTROLLER_LIMIT_MS = 15_000;
/** Where Debian keeps i2c-tools; not on everybody's path. */
const TOOLS_PATH = "/usr/sbin:/sbin";

/** Faults of one controller process (docs/i2c-rig.md, "Faults"). */
export interface I2cFaults {
  /** `seed=7,nack=0.001,at=12:corrupt` and the like. */
  readonly faults?: string;
  /** Whose names failures get: `bcm2835`, `designware` or `gpio`; the kernel's own conventions by default. */
  readonly driver?: string;
  /** How long a peripheral may keep the controller waiting; 3 s by default. */
  readonly stretchMs?: number;
}

/** What the controllers of a rig did that have ended, in sums. */
export interface I2cReport {
  readonly bytes: number;
  readonly transactions: number;
  readonly faults: number;
}

/** A call of a method of i2c-bus. In `args`, a string is a buffer in hexadecimal. */
export interface I2cCall {
  readonly method: string;
  readonly args: readonly (number | boolean | string)[];
}

/** What came of a call: an error's code, or a buffer and how much of it passed, or another value. */
export interface I2cResult {
  readonly error?: string;
  readonly count?: number;
  readonly hex?: string;
  readonly value?: unknown;
}

/** How a program ended. */
export interface I2cToolRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Buses of virtual peripherals in this process, for controllers in others: this one must stay free to answer. */
export interface I2cRig {
  /** The directory of a bus: SOCKET of `i2c-peripheral:SOCKET?address=0x42`. */
  bus(number: number): string;
  /** What a controller's process needs in its environment. */
  env(faults?: I2cFaults): Record<string, string>;
  attach(bus: number, address: number, handler: I2cPeripheralHandler): Promise<I2cSocketServer>;
  /** Runs calls of the real i2c-bus addon on bus 1: one after another, or all after the first at once. */
  control(calls: readonly I2cCall[], faults?: I2cFaults, isTogether?: boolean): Promise<I2cResult[]>;
  /** Runs a program of i2c-tools, or any other. */
  run(command: string, args: readonly string[], faults?: I2cFaults): Promise<I2cToolRun>;
  report(): Promise<I2cReport>;
  close(): Promise<void>;
}

/** Compiles the shim if need be and makes a directory for buses; fails if there is no C compiler. */
export async function openI2cRig(): Promise<I2cRig> {
  const shim = await buildShim();
  const directory = await mkdtemp(join(tmpdir(), "mayday-i2c-"));
  const servers: I2cSocketServer[] = [];
  const reportFile = join(directory, "report");
  const bus = (number: number): string => join(directory, `i2c-${number}`);
  const env = (faults: I2cFaults = {}): Record<string, string> => ({
    LD_PRELOAD: shim,
    MAYDAY_I2C_DIR: directory,
    MAYDAY_I2C_REPORT: reportFile,
    ...(faults.faults === undefined ? {} : { MAYDAY_I2C_FAULTS: faults.faults }),
    ...(faults.driver === undefined ? {} : { MAYDAY_I2C_DRIVER: faults.driver }),
    ...(faults.stretchMs === undefined ? {} : { MAYDAY_I2C_STRETCH_MS: String(faults.stretchMs) }),
  });
  return {
    bus,
    env,
    attach: async (number, address, handler) => {
      const server = new I2cSocketServer(bus(number), address);
      await server.open(handler);
      servers.push(server);
      return server;
    },
    control: async (calls, faults, isTogether = false) => {
      const input = JSON.stringify({ bus: 1, calls, isTogether });
      const { code, stdout, stderr } = await runProgram(process.execPath, [CONTROLLER], env(faults), input);
      if (code !== 0) throw new Error(`the controller ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as I2cResult[];
    },
    run: (command, args, faults) => runProgram(command, args, env(faults)),
    report: async () => sumOf(await readFile(reportFile, "utf8").catch(() => "")),
    close: async () => {
      for (const server of servers) await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Path of the compiled shim. */
export async function buildShim(flags: readonly string[] = []): Promise<string> {
  const built = await buildHelper({
    name: "i2c-shim",
    flags: ["-std=gnu11", "-O2", "-shared", "-fPIC", ...flags],
    libraries: ["-ldl", "-lpthread"],
  });
  if (typeof built === "string") return built;
  throw new Error(`the I2C test rig needs a C compiler: apt-get install gcc libc6-dev (${built.missing})`);
}

function sumOf(lines: string): I2cReport {
  const reports = lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as I2cReport]));
  const sum = (key: keyof I2cReport): number => reports.reduce((total, report) => total + report[key], 0);
  return { bytes: sum("bytes"), transactions: sum("transactions"), faults: sum("faults") };
}

function runProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<I2cToolRun> {
  const surroundings = {
    ...process.env,
    PATH: `${process.env["PATH"]}:${TOOLS_PATH}`,
    LC_ALL: "C",
    ...env,
  };
  return new Promise((resolve, reject) => {
    const options = { env: surroundings, timeout: CONTROLLER_LIMIT_MS, maxBuffer: 1 << 24 };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") {
        reject(new Error(`this test needs ${command}: apt-get install i2c-tools (${error.message})`));
      } else {
        resolve({ code: Number(error === null ? 0 : (error.code ?? -1)), stdout, stderr });
      }
    });
    child.stdin?.on("error", () => {}); // it ended before it had read all
    child.stdin?.end(input);
  });
}
