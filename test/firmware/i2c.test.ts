import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openWorkbench, type Workbench } from "../cli/workbench.ts";
import { startCli } from "../support/cli.ts";
import { buildPort } from "../support/firmware-port.ts";
import { type I2cFaults, type I2cRig, openI2cRig } from "../support/i2c-rig.ts";

let bench: Workbench;
let rig: I2cRig;
let program: string;
let image: string;

beforeAll(async () => {
  bench = await openWorkbench();
  rig = await openI2cRig();
  await mkdir(rig.bus(1), { recursive: true, mode: 0o700 });
  image = await bench.image("bus", "owner");
  const sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=all";
  program = join(buildPort("i2c-rig", [`-DCMAKE_C_FLAGS=${sanitizers}`]), "mayday-i2c-rig");
}, 240_000);
afterAll(async () => {
  await rig.close();
  await bench.close();
});

interface Board {
  readonly flash: string;
  readonly ended: Promise<{ readonly code: number | null; readonly told: string }>;
  kill(): void;
}

/** A board of the C side at an address of bus 1, with transactions of so many bytes. */
function startBoard(address: number, bytes: number, flash: string): Board {
  const place = join(rig.bus(1), `0x${address.toString(16)}`);
  const what = [
    "--slot",
    "64K",
    "--hardware",
    "acme/widget",
    "--trust",
    bench.path("owner.pub"),
    "--timeout",
    "60",
  ];
  const child = spawn(program, [`${bytes}`, "--port", place, "--flash", flash, ...what], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const ended = new Promise<{ code: number | null; told: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, told }));
  });
  return { flash, ended, kill: () => void child.kill("SIGKILL") };
}

/** What lies in the slot, which is behind 16 KiB of recovery, the boot record and two manifest areas. */
const SLOT_AT = (16 + 8 + 8) * 1024;

function rescue(address: number, faults: I2cFaults = {}): ReturnType<typeof startCli> {
  const link = `i2c:/dev/i2c-1?address=0x${address.toString(16)}`;
  const args = ["rescue", "--link", link, "--image", image, "--once", "--json", "--timeout", "50"];
  return startCli(args, { env: rig.env(faults), limitMs: 60_000 });
}

function expectImage(flash: string): void {
  expect(existsSync(flash)).toBe(true);
  const slot = readFileSync(flash).subarray(SLOT_AT, SLOT_AT + bench.firmware.length);
  expect(Buffer.compare(slot, bench.firmware)).toBe(0);
}

/** Faults at a rate that hits every kind of transaction, and the longest transaction of the board. */
const BUSES: readonly { readonly name: string; readonly bytes: number; readonly faults?: I2cFaults }[] = [
  { name: "in transactions of 1024 bytes", bytes: 1024 },
  { name: "in transactions of 32 bytes", bytes: 32 },
  {
    name: "while bits flip and acknowledges are lost",
    bytes: 256,
    faults: { faults: "seed=5,corrupt=0.0002,nack=0.0005" },
  },
  {
    name: "while transactions time out and reads end early",
    bytes: 512,
    faults: { faults: "seed=3,timeout=0.01,short=0.02", stretchMs: 5 },
  },
];

describe("a board of the C side on an I2C bus, with the real addon as controller,", () => {
  for (const [index, { name, bytes, faults }] of BUSES.entries()) {
    it(`is healed byte by byte ${name}`, async () => {
      const board = startBoard(0x42 + index, bytes, bench.path(`${index}.flash`));
      const rescuer = rescue(0x42 + index, faults);
      expect(await rescuer.ended).toMatchObject({ code: 0 });
      expect(await board.ended).toEqual({ code: 0, told: "" });
      expectImage(board.flash);
    }, 90_000);
  }

  it("that is killed while it receives is greeted again and resumes", async () => {
    const first = startBoard(0x50, 64, bench.path("killed.flash"));
    const rescuer = rescue(0x50);
    await rescuer.saw(/"progress"/);
    first.kill();
    await first.ended;
    const second = startBoard(0x50, 64, bench.path("killed.flash"));
    expect(await rescuer.ended).toMatchObject({ code: 0 });
    expect(await second.ended).toEqual({ code: 0, told: "" });
    expectImage(second.flash);
  }, 90_000);
});
