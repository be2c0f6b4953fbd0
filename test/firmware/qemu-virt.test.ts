import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openWorkbench, type Workbench } from "../cli/workbench.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";
import { buildPort, toolchain, trustedKey } from "../support/firmware-port.ts";
import { Qemu } from "../support/qemu.ts";

const U_BOOT = "/usr/lib/u-boot/qemu_arm/u-boot.bin";
/** QEMU takes flash files of this size only. */
const FLASH_SIZE = 64 << 20;
/** Of ports/qemu-virt-a15/machine.h. */
const SLOT_SIZE = 1 << 20;
const SECTOR = 256 << 10;
const BLOCK = 4096;
const HARDWARE = { vendor: "example", hardwareClass: "virt-a15" };

let bench: Workbench;
let recovery: string;
let app: Uint8Array;
let image: string;

beforeAll(async () => {
  bench = await openWorkbench();
  const settings = [toolchain("ports/qemu-virt-a15/toolchain.cmake"), trustedKey(bench.path("owner.pub"))];
  const folder = buildPort("qemu-virt-a15", settings);
  recovery = flashFile("recovery.flash", readFileSync(join(folder, "recovery.bin")));
  app = readFileSync(join(folder, "app.bin"));
  image = await bench.image("app", "owner", HARDWARE, join(folder, "app.bin"));
}, 240_000);
afterAll(() => bench.close());

/** A flash file that begins with these bytes; zeros behind them. */
function flashFile(name: string, bytes: Uint8Array): string {
  const file = openSync(bench.path(name), "w+");
  ftruncateSync(file, FLASH_SIZE);
  writeSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  return bench.path(name);
}

function bytesOf(path: string, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  readSync(file, bytes, 0, length, at);
  closeSync(file);
  return bytes;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function powerOn(first: string, second?: string): Promise<Qemu> {
  const flash = (unit: number, file: string, more: string): string[] => [
    ...["-drive", `if=pflash,unit=${unit},format=raw,file=${file}${more}`],
  ];
  const drives =
    second === undefined
      ? flash(0, first, "")
      : [...flash(0, first, ",readonly=on"), ...flash(1, second, "")];
  const machine = await Qemu.start([
    "-M",
    "virt",
    "-cpu",
    "cortex-a15",
    "-m",
    "128",
    "-nic",
    "none",
    ...drives,
  ]);
  onTestFinished(() => machine.close());
  return machine;
}

const rescue = (machine: Qemu, file: string): string[] => [
  ...["rescue", "--link", machine.link, "--image", file, "--once", "--timeout", "90", "--json"],
];
const LIMIT = { limitMs: 120_000 };

describe("the port with a NOR flash that survives, in QEMU,", () => {
  it("is healed byte by byte, and starts the application where it lies", async () => {
    const slot = flashFile("healed.flash", new Uint8Array(0));
    const machine = await powerOn(recovery, slot);
    expect(verdictOf(await runCli(rescue(machine, image), LIMIT))).toMatchObject({
      ok: true,
      reason: "healed",
    });
    await machine.saw("application 1.0.0 runs");
    expect(same(bytesOf(slot, 0, app.length), app)).toBe(true);
    await machine.kill();
    const next = await powerOn(recovery, slot);
    await next.saw("application 1.0.0 runs");
    expect(next.log).toBe("application 1.0.0 runs\r\n");
  }, 150_000);

  it("whose power fails behind the first sector gets only what the second one lacks", async () => {
    const slot = flashFile("cut.flash", new Uint8Array(0));
    const machine = await powerOn(recovery, slot);
    const rescuer = startCli(rescue(machine, image), LIMIT);
    const next = app.subarray(SECTOR, SECTOR + BLOCK);
    for (let looks = 0; !same(bytesOf(slot, SECTOR, BLOCK), next); looks++) {
      if (looks > 20_000) throw new Error("the second sector does not begin");
      await sleep(2);
    }
    await machine.kill();
    rescuer.child.kill("SIGTERM");
    await rescuer.ended;
    const again = await powerOn(recovery, slot);
    const verdict = verdictOf(await runCli(rescue(again, image), LIMIT));
    expect(verdict).toMatchObject({ ok: true, reason: "healed" });
    expect(Number(verdict["blocks"])).toBeLessThanOrEqual(Math.ceil((app.length - SECTOR) / BLOCK));
    await again.saw("application 1.0.0 runs");
    expect(same(bytesOf(slot, 0, app.length), app)).toBe(true);
  }, 150_000);
});

describe("U-Boot in a flash file with 4 KiB destroyed", () => {
  it("is silent, is healed through the port, and boots to its prompt from the same file", async () => {
    if (!existsSync(U_BOOT)) throw new Error(`this test needs ${U_BOOT}: apt-get install u-boot-qemu`);
    const uBoot = readFileSync(U_BOOT);
    const spoilt = new Uint8Array(SLOT_SIZE).fill(0xff);
    spoilt.set(uBoot);
    spoilt.fill(0, 4096, 8192);
    const file = flashFile("u-boot.flash", spoilt);
    const version = { major: 2023, minor: 1, patch: 0 };
    const signed = await bench.image("u-boot", "owner", { ...HARDWARE, version }, U_BOOT);

    const silent = await powerOn(file);
    await sleep(2_000);
    expect(silent.log).toBe("");
    await silent.kill();

    const machine = await powerOn(recovery, file);
    const verdict = verdictOf(await runCli(rescue(machine, signed), LIMIT));
    // A sector, as that is what the flash erases: 64 of 193 blocks.
    expect(verdict).toMatchObject({ ok: true, reason: "healed", blocks: SECTOR / BLOCK });
    await machine.saw("the slot is right; start it as the first flash");
    await machine.kill();
    expect(same(bytesOf(file, 0, uBoot.length), uBoot)).toBe(true);

    const booted = await powerOn(file);
    await booted.saw("Hit any key to stop autoboot");
    await booted.type("\r");
    await booted.saw("\r\n=> ");
  }, 200_000);
});
