import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startVirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { runCli, startCli, verdictOf } from "../support/cli.ts";

/** Real firmware from Debian packages. Its absence fails the test, and says how to get it. */
const OVMF = { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", package: "ovmf" };
const U_BOOT = { path: "/usr/lib/u-boot/qemu_arm64/u-boot.bin", package: "u-boot-qemu" };

function firmware({ path, package: name }: typeof OVMF): string {
  if (!existsSync(path)) throw new Error(`${path} is missing: apt-get install ${name}`);
  return path;
}

/** A sector of OVMF that is code, not padding. */
const SECTOR_OF_CODE = 100;

let directory: string;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mayday-firmware-"));
  expect((await runCli(["keygen", "--out", at("owner")])).code).toBe(0);
});
afterAll(() => rm(directory, { recursive: true }));

/** A board with the firmware installed, with one damaged sector. */
async function spoiltBoard(source: string, sector: number): Promise<void> {
  const what = ["--hardware", "acme/pc", "--version", "1.0.0", "--key", at("owner.key")];
  const steps = [
    ["image", "build", "--in", source, ...what, "--out", at("fw.mdy")],
    ["board", "init", at("board"), "--hardware", "acme/pc", "--flash-size", "4M", "--trust", at("owner.pub")],
    ["board", "damage", at("board"), "--sector", `${sector}`],
  ];
  steps[1]?.push("--image", at("fw.mdy"));
  for (const step of steps) expect(await runCli(step)).toMatchObject({ code: 0 });
  expect((await runCli(["board", "boot", at("board")])).code).toBe(5);
}

describe("real firmware", () => {
  it("of 3.65 MB with one damaged sector is repaired with under 16,000 bytes on the wire, both ways", async () => {
    const source = firmware(OVMF);
    await spoiltBoard(source, SECTOR_OF_CODE);
    const cable = await startVirtualCable({ a: at("a"), b: at("b"), baud: 921_600 });
    const link = (end: string): string[] => [
      "--link",
      `serial:${end}?baud=921600`,
      "--json",
      "--timeout",
      "30",
    ];
    const target = startCli(["distress", ...link(cable.a), "--board", at("board")]);
    const rescuer = startCli(["rescue", ...link(cable.b), "--image", at("fw.mdy"), "--once"]);
    const [told, verdict] = [await target.ended, verdictOf(await rescuer.ended)];
    await cable.close();
    expect(told.code).toBe(0);
    expect(verdict).toMatchObject({ ok: true, reason: "healed", blocks: 1 });
    expect(Number(verdict?.["bytesTx"]) + Number(verdict?.["bytesRx"])).toBeLessThan(16_000);
    await runCli(["board", "read", at("board"), "--out", at("copy.bin")]);
    expect(Buffer.compare(await readFile(at("copy.bin")), await readFile(source))).toBe(0);
  }, 60_000);

  it("of U-Boot passes the whole demonstration", async () => {
    const demo = startCli(["demo", "--firmware", firmware(U_BOOT), "--baud", "3000000", "--json"]);
    expect(await demo.ended).toMatchObject({ code: 0 });
  }, 60_000);
});
