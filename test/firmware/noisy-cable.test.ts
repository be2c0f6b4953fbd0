import { readFile, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { bootedBytes, openWorkbench, type Workbench } from "../cli/workbench.ts";
import { type RunningCli, runCli, startCli, verdictOf } from "../support/cli.ts";
import { buildPosix, type RunningPosix, runPosix, startPosix } from "../support/mayday-posix.ts";

/*
 * mayday-posix and mayday over a cable on which one bit in a thousand is wrong: only the second form of frames (PROTOCOL.md 2.5) gets
 * through such a line as fast as it is. Virtual time says how fast (pairs.test.ts).
 */

const BAUD = 921_600;
const LIMIT_MS = 90_000;
const SIZE = 262_144;

let bench: Workbench;
let firmware: Uint8Array;
let cable: RunningCli | undefined;
let cables = 0;

beforeAll(async () => {
  buildPosix();
  bench = await openWorkbench();
  firmware = randomBytes(new SeededRandom(6), SIZE);
  await writeFile(bench.path("noisy.bin"), firmware);
  await bench.image("noisy", "owner", {}, bench.path("noisy.bin"));
}, 240_000);
afterEach(async () => {
  cable?.child.kill("SIGKILL");
  await cable?.ended;
});
afterAll(() => bench.close());

async function openCable(): Promise<{ readonly a: string; readonly b: string }> {
  const ports = { a: bench.path(`noisy-${cables}.a`), b: bench.path(`noisy-${cables++}.b`) };
  const line = ["--baud", String(BAUD), "--ber", "1e-3", "--seed", "3"];
  cable = startCli(["cable", "--a", ports.a, "--b", ports.b, ...line], { limitMs: LIMIT_MS });
  await cable.saw(/^ready$/m);
  return ports;
}

function boardOf(flash: string): string[] {
  const where = ["--flash", bench.path(flash), "--slot", "512K"];
  return [...where, "--hardware", "acme/widget", "--trust", bench.path("owner.pub")];
}

function target(port: string, flash: string): RunningPosix {
  return startPosix(["target", "--port", port, "--baud", `${BAUD}`, ...boardOf(flash), "--timeout", "40"]);
}

function posixRescuer(port: string): RunningPosix {
  const image = ["--image", bench.path("noisy.mdy")];
  return startPosix(["rescuer", "--port", port, "--baud", `${BAUD}`, ...image, "--once"]);
}

async function expectFlashed(flash: string): Promise<void> {
  const out = bench.path(`${flash}.out`);
  expect(await runPosix(["read", ...boardOf(flash), "--out", out])).toMatchObject({ code: 0 });
  expect(Buffer.compare(await readFile(out), firmware)).toBe(0);
}

/** What a verdict says of the second form. */
function expectCoded(verdict: Readonly<Record<string, unknown>>): void {
  for (const count of ["codedFramesTx", "codedFramesRx", "mendedBytes"])
    expect(Number(verdict[count])).toBeGreaterThan(20);
}

describe("over a cable with one wrong bit in a thousand", () => {
  test(
    "mayday rescue heals the C target, and both send in the second form",
    async () => {
      const { a, b } = await openCable();
      const image = ["--image", bench.path("noisy.mdy"), "--once", "--timeout", "60", "--json"];
      const rescuer = startCli(["rescue", "--link", `serial:${b}?baud=${BAUD}`, ...image], {
        limitMs: LIMIT_MS,
      });
      expect(await target(a, "noisy-1.flash").ended).toMatchObject({ code: 0 });
      const verdict = verdictOf(await rescuer.ended);
      expect(verdict).toMatchObject({ ok: true, reason: "healed" });
      expectCoded(verdict);
      await expectFlashed("noisy-1.flash");
    },
    LIMIT_MS,
  );

  test(
    "the C rescuer heals mayday distress, and both send in the second form",
    async () => {
      const { a, b } = await openCable();
      const board = await bench.board("noisy-board", undefined, { slotSize: 2 * SIZE });
      const rescuer = posixRescuer(b);
      const link = ["--link", `serial:${a}?baud=${BAUD}`, "--board", board];
      const distress = await runCli(["distress", ...link, "--timeout", "60", "--json"], {
        limitMs: LIMIT_MS,
      });
      expect(distress).toMatchObject({ code: 0 });
      expect(await rescuer.ended).toMatchObject({ code: 0 });
      expectCoded(verdictOf(distress));
      expect(Buffer.compare(bootedBytes(board), firmware)).toBe(0);
    },
    LIMIT_MS,
  );

  test(
    "the C rescuer heals the C target",
    async () => {
      const { a, b } = await openCable();
      const rescuer = posixRescuer(b);
      expect(await target(a, "noisy-3.flash").ended).toMatchObject({ code: 0 });
      expect(await rescuer.ended).toMatchObject({ code: 0 });
      await expectFlashed("noisy-3.flash");
    },
    LIMIT_MS,
  );
});
