import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { type CliEvent, type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openSocatPair } from "../support/socat-pair.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const PACKAGE_ROOT = fileURLToPath(new URL("..", import.meta.url));
const VECTORS = fileURLToPath(new URL("../../vectors", import.meta.url));
const BAUD = 921_600;
/** A process that has not ended by then hangs. */
const LIMIT_MS = 40_000;
const BLOCK = 1024;

interface Ended {
  /** -1 after a signal. */
  readonly code: number;
  readonly output: string;
}

interface RunningPython {
  readonly ended: Promise<Ended>;
  kill(): void;
}

interface Run {
  readonly rescue: CliResult;
  readonly verdict: CliEvent;
  readonly code: number;
  readonly events: readonly CliEvent[];
  /** What the flash holds where the image goes; undefined when the target did not end as healed. */
  readonly flash: Uint8Array | undefined;
}

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

/** Starts a module of test/second. A machine without Python fails the test and says what to install. */
function startPython(args: readonly string[]): RunningPython {
  const child = spawn("python3", ["-B", "-m", ...args], {
    cwd: PACKAGE_ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", (error) => {
      reject(new Error(`these tests need python3: apt-get install python3 (${error.message})`));
    });
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? -1, output });
    });
  });
  return { ended, kill: () => child.kill("SIGKILL") };
}

let runs = 0;

/** One `mayday rescue --once` and one target in Python, joined by pseudo-terminals, to the end of the rescuer. */
async function rescued(image: string, options: readonly string[] = []): Promise<Run> {
  const pair = await openSocatPair();
  const out = bench.path(`second-${runs++}.bin`);
  const link = `serial:${pair.a}?baud=${BAUD}`;
  const limit = ["--once", "--timeout", "35", "--json"];
  const rescuer = startCli(["rescue", "--link", link, "--image", image, ...limit], { limitMs: LIMIT_MS });
  const board = ["--key", bench.path("owner.pub"), "--hardware", "acme/widget", "--baud", `${BAUD}`];
  const target = startPython(["second", "--port", pair.b, "--out", out, ...board, ...options]);
  try {
    const noPython = new Promise<never>((_resolve, reject) => void target.ended.catch(reject));
    const rescue = await Promise.race([rescuer.ended, noPython]);
    const verdict = verdictOf(rescue);
    // A board that was not healed calls without end.
    if (rescue.code !== 0) target.kill();
    const { code, output } = await target.ended;
    const lines = output.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => JSON.parse(line) as CliEvent);
    const flash = existsSync(out) ? new Uint8Array(await readFile(out)) : undefined;
    return { rescue, verdict, code, events, flash };
  } finally {
    target.kill();
    rescuer.child.kill("SIGKILL");
    await pair.close();
  }
}

/** Builds NAME.mdy of these bytes, in blocks of 1 KiB, signed by the owner. */
async function imageOf(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(bench.path(`${name}.bin`), bytes);
  const [input, out] = [bench.path(`${name}.bin`), bench.path(`${name}.mdy`)];
  const fields = ["--hardware", "acme/widget", "--version", "1.2.3", "--block-size", `${BLOCK}`];
  const args = ["--in", input, "--out", out, "--key", bench.path("owner.key"), ...fields];
  expect(await runCli(["image", "build", ...args])).toMatchObject({ code: 0 });
  return out;
}

/** A file with what the flash holds before: these bytes, one bit of some blocks the other way. */
async function slotOf(name: string, bytes: Uint8Array, at: readonly number[]): Promise<string> {
  const slot = Uint8Array.from(bytes);
  for (const offset of at) slot[offset] = (slot[offset] ?? 0) ^ 1;
  await writeFile(bench.path(name), slot);
  return bench.path(name);
}

/** A number of an event; NaN when it has none. */
function numberIn(event: CliEvent | undefined, name: string): number {
  return Number(event?.[name]);
}

function expectHealed(run: Run, image: Uint8Array): void {
  expect(run.verdict).toMatchObject({ ok: true, code: 0, reason: "healed" });
  expect(run.code).toBe(0);
  expect(run.flash).toEqual(image);
}

describe("a target written in Python from PROTOCOL.md alone", () => {
  test("computes what the vectors of frames, acks, trees, manifests and signatures say", async () => {
    const { code, output } = await startPython(["second.check_vectors", VECTORS]).ended;
    expect(output).toMatch(/^(?:[\w-]+: [1-9]\d* right, 0 wrong\n){5}$/);
    expect(code).toBe(0);
  }, 60_000);

  test.each(["64", "256"])(
    "is healed by the rescuer with payloads of %s bytes",
    async (payload) => {
      const run = await rescued(bench.path("fw.mdy"), ["--payload", payload]);
      expectHealed(run, bench.firmware);
      expect(run.verdict).toMatchObject({ blocks: 10 });
    },
    60_000,
  );

  test.each(["1", "2", "3"])(
    "is healed over a line that flips a bit in 10,000, seed %s",
    async (seed) => {
      const run = await rescued(bench.path("fw.mdy"), ["--bit-errors", "1e-4", "--seed", seed]);
      expectHealed(run, bench.firmware);
      expect(numberIn(run.events.at(-1), "bitsFlipped")).toBeGreaterThan(10);
      expect(numberIn(run.verdict, "resentBytes")).toBeGreaterThan(0);
    },
    60_000,
  );

  test("asks for nothing but the blocks that its flash lacks", async () => {
    const slot = await slotOf("slot.bin", bench.firmware, [5 * 4096 + 7, bench.firmware.length - 1]);
    const run = await rescued(bench.path("fw.mdy"), ["--slot", slot]);
    expectHealed(run, bench.firmware);
    expect(run.verdict).toMatchObject({ blocks: 2 });
    expect(numberIn(run.verdict, "bytesTx")).toBeLessThan(13_000);
  }, 60_000);

  test("is done after the manifest when its flash already holds the image", async () => {
    const run = await rescued(bench.path("fw.mdy"), ["--slot", bench.path("firmware.bin")]);
    expectHealed(run, bench.firmware);
    expect(run.verdict).toMatchObject({ blocks: 0 });
    expect(run.events.filter(({ event }) => event === "run")).toEqual([]);
  }, 60_000);

  test("asks for an upper run again for each child that differs", async () => {
    const bytes = randomBytes(new SeededRandom(11), 300 * BLOCK - 100);
    const wrong = [3, 4, 17, 200, 290, 299].map((block) => block * BLOCK + 5);
    const options = ["--slot", await slotOf("deep-slot.bin", bytes, wrong), "--bit-errors", "1e-4"];
    const run = await rescued(await imageOf("deep", bytes), options);
    expectHealed(run, bytes);
    expect(run.verdict).toMatchObject({ blocks: wrong.length });
    const levels = run.events.filter(({ event }) => event === "run").map(({ level }) => level);
    // The root (9) for two nodes of level 8; (8, 0) for three of level 4, and (8, 1) for one.
    expect(levels.filter((level) => level === 9)).toHaveLength(2);
    expect(levels.filter((level) => level === 8)).toHaveLength(3 + 1);
    expect(levels.filter((level) => level === 4)).toHaveLength(3 + 1);
  }, 60_000);

  test("proves and writes a stretch of one repeated byte without its hashes", async () => {
    const bytes = randomBytes(new SeededRandom(12), 40 * BLOCK);
    bytes.fill(0, 16 * BLOCK, 32 * BLOCK);
    const run = await rescued(await imageOf("uniform", bytes));
    expectHealed(run, bytes);
    expect(run.events).toContainEqual({ event: "run", kind: 3, level: 4, index: 1 });
  }, 60_000);

  test("refuses an image that another key signed, and the rescuer says so", async () => {
    const run = await rescued(await bench.image("foreign", "other"));
    expect(run.rescue.code).toBe(4);
    expect(run.verdict).toMatchObject({ ok: false, code: 4, reason: "signature", blocks: 0 });
    expect(run.events).toContainEqual({ event: "refused", reason: "signature" });
    expect(run.flash).toBeUndefined();
  }, 60_000);
});
