import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openWorkbench, type Workbench } from "../cli/workbench.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { buildPort, toolchain, trustedKey } from "../support/firmware-port.ts";
import { Qemu } from "../support/qemu.ts";

/** Of ports/qemu-lm3s6965/machine.h. */
const SLOT = { base: 0x2000_c000, size: 0x4000 };
const BLOCK = 1024;
const HARDWARE = { vendor: "example", hardwareClass: "lm3s6965" };

let bench: Workbench;
let folder: string;
let image: string;
let app: Uint8Array;

beforeAll(async () => {
  bench = await openWorkbench();
  const settings = [
    toolchain("cmake/arm-none-eabi.cmake"),
    "-DSMALL=ON",
    trustedKey(bench.path("owner.pub")),
  ];
  folder = buildPort("qemu-lm3s6965", settings);
  app = readFileSync(join(folder, "app.bin"));
  image = await bench.image("app", "owner", { ...HARDWARE, blockSize: BLOCK }, join(folder, "app.bin"));
}, 240_000);
afterAll(() => bench.close());

async function powerOn(program: string): Promise<Qemu> {
  const machine = await Qemu.start(["-M", "lm3s6965evb", "-kernel", join(folder, program)]);
  onTestFinished(() => machine.close());
  return machine;
}

const rescue = (machine: Qemu): string[] => [
  ...["rescue", "--link", machine.link, "--image", image, "--once", "--timeout", "40", "--json"],
];
const LIMIT = { limitMs: 60_000 };

async function expectSlotIsImage(machine: Qemu): Promise<void> {
  const slot = await machine.memory(SLOT.base, SLOT.size);
  expect(Buffer.compare(slot.subarray(0, app.length), app)).toBe(0);
  expect(slot.subarray(app.length).every((byte) => byte === 0xff)).toBe(true);
}

/** Looks again and again, for 30 s at most. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > 30_000) throw new Error("the third block does not arrive");
    await sleep(1);
  }
}

/** The last report of the stack. */
function stackOf(machine: Qemu): { readonly used: number; readonly size: number } {
  const [, used, size] = [...machine.log.matchAll(/stack (\d+) of (\d+)\r\n/g)].at(-1) ?? [];
  return { used: Number(used), size: Number(size) };
}

describe("the port for a Cortex-M3, in QEMU with 8 KiB of RAM for variables and stack,", () => {
  it("finds its clock, its flash and its signature check right, and sends back each byte", async () => {
    const machine = await powerOn("bring-up.elf");
    for (const part of ["clock", "flash", "signature"]) await machine.saw(`${part}: right\r\n`);
    await machine.type("a letter or two.");
    await machine.saw("a letter or two.");
  }, 60_000);

  it("is healed byte by byte with one open block of 1 KiB, and starts the application", async () => {
    const machine = await powerOn("recovery.elf");
    expect(verdictOf(await runCli(rescue(machine), LIMIT))).toMatchObject({
      ok: true,
      reason: "healed",
      blocks: 11,
    });
    await machine.saw("application 1.0.0 runs");
    await expectSlotIsImage(machine);
    expect(stackOf(machine).used).toBeGreaterThan(500);
    expect(stackOf(machine).used).toBeLessThan(stackOf(machine).size);
  }, 90_000);

  it("that spoils one byte of its application calls for help, and gets one block", async () => {
    const machine = await powerOn("recovery.elf");
    expect((await runCli(rescue(machine), LIMIT)).code).toBe(0);
    await machine.saw("application 1.0.0 runs");
    const before = machine.log.length;
    await machine.type("x");
    await machine.saw("application resets", before);
    expect(verdictOf(await runCli(rescue(machine), LIMIT))).toMatchObject({ ok: true, blocks: 1 });
    await machine.saw("application 1.0.0 runs", before);
    await expectSlotIsImage(machine);
  }, 120_000);

  it("that is reset while it receives resumes there", async () => {
    const machine = await powerOn("recovery.elf");
    const rescuer = startCli(rescue(machine), LIMIT);
    const third = app.subarray(2 * BLOCK, 3 * BLOCK);
    await until(async () => Buffer.compare(await machine.memory(SLOT.base + 2 * BLOCK, BLOCK), third) === 0);
    await machine.ask("system_reset");
    const result = await rescuer.ended;
    expect(result.code).toBe(0);
    expect(result.events.filter(({ event }) => event === "distress").map((seen) => seen["reason"])).toContain(
      "receiving",
    );
    await machine.saw("application 1.0.0 runs");
    await expectSlotIsImage(machine);
    // Of both sessions: a board that began again would have had three of them twice.
    expect(Number(verdictOf(result)["blocks"])).toBeLessThan(14);
  }, 120_000);
});
