import { openSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { claimDevice } from "../../../src/flash/device/device-open.ts";
import { MtdStorage } from "../../../src/flash/device/mtd-storage.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import type { FlashStorage } from "../../../src/flash/storage.ts";
import { MadeUpMachine, type MadeUpMtd } from "../../support/made-up-machine.ts";
import { openModes } from "../../support/open-files.ts";
import { refusal } from "../support.ts";

const MAP = flashMap({ sectorSize: 4096, slotSize: 65_536, layout: "single" });
const BASE = 8192;

let machine: MadeUpMachine;
beforeEach(() => {
  machine = new MadeUpMachine();
});
afterEach(() => machine.close());

function claim(facts: MadeUpMtd = {}): FlashStorage {
  machine.addMtd(0, facts);
  const device = { kind: "mtd", path: machine.dev("mtd0"), offset: BASE } as const;
  return claimDevice(machine, device, MAP, true).storage;
}

describe("the check of an MTD device", () => {
  it.each(["nor", "dataflash", "ram"])("accepts the type %s", (type) => {
    expect(refusal(() => claim({ type }).close()).code).toBe("none");
  });

  it("needs erase blocks that divide each of the board's sectors", () => {
    const sectors = [
      { count: 8, size: 16_384 },
      { count: 9, size: 4096 },
    ];
    const map = flashMap({ sectors, slotSize: 60_000, layout: "single" });
    machine.addMtd(1, { erasesize: 8192 });
    const device = { kind: "mtd", path: machine.dev("mtd1"), offset: 0 } as const;
    const { code, details } = refusal(() => claimDevice(machine, device, map, true));
    expect({ code, details }).toEqual({
      code: "flash-sector",
      details: { eraseSize: 8192, sectorSize: 4096 },
    });
  });

  it.each<[string, MadeUpMtd, string, object]>([
    ["is NAND", { type: "nand" }, "flash-nand", { type: "nand" }],
    ["is of no kind", { type: "" }, "flash-nand", { type: "" }],
    ["has no erase blocks", { erasesize: 0 }, "flash-sector", { eraseSize: 0, sectorSize: 4096 }],
    ["has odd erase blocks", { erasesize: 3000 }, "flash-sector", { eraseSize: 3000, sectorSize: 4096 }],
    ["has no write units", { writesize: 0 }, "flash-sector", { writeSize: 0 }],
    ["has odd write units", { writesize: 3 }, "flash-sector", { writeSize: 3 }],
  ])("refuses a device that %s", (_what, facts, code, details) => {
    expect(refusal(() => claim(facts))).toMatchObject({ code, details });
  });

  it("refuses a device of a type that the system does not report", () => {
    expect(refusal(() => claim({ type: "" })).message).toContain("does not report");
  });

  it("refuses a device that is write protected, with its path", () => {
    const seen = refusal(() => claim({ flags: "0x800" }));
    expect(seen).toMatchObject({ code: "flash-read-only", details: { path: machine.dev("mtd0") } });
  });

  it("refuses other nodes", () => {
    machine.addNode("watchdog", "character", "10:130");
    machine.addNode("mtd0ro", "character", "90:1");
    for (const name of ["watchdog", "mtd0ro"]) {
      const device = { kind: "mtd", path: machine.dev(name), offset: 0 } as const;
      expect(refusal(() => claimDevice(machine, device, MAP, true)).code).toBe("flash-kind");
    }
  });
});

describe("a range of an MTD device", () => {
  it.each([
    [-4096, 4096],
    [0, 0],
    [0, 2048],
    [0.5, 4096],
    [2048, 4096],
    [MAP.size - 4096, 8192],
    [MAP.size, 4096],
  ])("asserts that it is not erased at %d, %d bytes", (offset, size) => {
    const storage = claim();
    expect(() => storage.erase(offset, size, 0xff)).toThrow(AssertionError);
    expect(machine.eraseCalls()).toEqual([]);
    storage.close();
  });

  it("is erased up to its end", () => {
    const storage = claim();
    storage.write(MAP.size - 1, Uint8Array.of(1));
    storage.erase(MAP.size - 4096, 4096, 0xff);
    expect(storage.read(MAP.size - 1, 1)[0]).toBe(0xff);
    expect(machine.eraseCalls()).toEqual([`-q /proc/self/fd/3 ${BASE + MAP.size - 4096} 1`]);
    storage.close();
  });

  it("asserts that it starts with an erase block", () => {
    const range = { path: "x", base: 100, size: 4096, eraseSize: 4096, eraseTool: "" };
    expect(() => new MtdStorage(-1, range)).toThrow(AssertionError);
  });

  it("is not held open once it is closed", () => {
    const isOpen = (): boolean => openModes(machine.dev("mtd0")).length > 0;
    const storage = claim();
    expect(isOpen()).toBe(true);
    storage.close();
    expect(isOpen()).toBe(false);
  });

  it.each([0, 5, 4095])("does not count as erased when byte %i of a sector is not", (at) => {
    const storage = claim();
    writeFileSync(machine.eraseTool, "#!/bin/sh\nexit 0\n");
    storage.write(4096 + at, Uint8Array.of(0));
    const seen = refusal(() => storage.erase(4096, 4096, 0xff));
    const details = { path: machine.dev("mtd0"), offset: BASE + 4096 + at };
    expect(seen).toMatchObject({ code: "flash-io", details });
    storage.write(0, Uint8Array.of(0));
    storage.write(8192, Uint8Array.of(0));
    expect(refusal(() => storage.erase(12_288, 4096, 0xff)).code).toBe("none");
    storage.close();
  });

  it("is checked completely after an erase, however long it is", () => {
    const size = 3 * 1_048_576;
    machine.addMtd(0, { size });
    const path = machine.dev("mtd0");
    const storage = new MtdStorage(openSync(path, "r+"), {
      ...{ path, base: 0, size, eraseSize: 4096, eraseTool: machine.eraseTool },
    });
    storage.erase(0, size, 0xff);
    writeFileSync(machine.eraseTool, "#!/bin/sh\nexit 0\n");
    storage.write(size - 1, Uint8Array.of(0));
    expect(refusal(() => storage.erase(0, size, 0xff)).details).toMatchObject({ offset: size - 1 });
    storage.close();
  });

  it("names the eraser and its output when it fails, is killed, or is missing", () => {
    const storage = claim();
    const path = machine.dev("mtd0");
    writeFileSync(machine.eraseTool, "#!/bin/sh\nprintf '\\n  MEMERASE: no \\n' >&2\nexit 1\n");
    const failed = refusal(() => storage.erase(0, 4096, 0xff));
    expect(failed).toMatchObject({ code: "flash-io", details: { path } });
    expect(failed.message).toMatch(/failed: MEMERASE: no$/);
    writeFileSync(machine.eraseTool, "#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x >&2\nexit 1\n");
    expect(refusal(() => storage.erase(0, 4096, 0xff)).message).toMatch(/failed: x{300}$/);
    writeFileSync(machine.eraseTool, "#!/bin/sh\nkill -9 $$\n");
    expect(refusal(() => storage.erase(0, 4096, 0xff)).message).toMatch(/failed: Error: /);
    storage.close();
    machine.eraseTool = `${machine.root}/nowhere`;
    const device = { kind: "mtd", path, offset: BASE } as const;
    const other = claimDevice(machine, device, MAP, true).storage;
    expect(refusal(() => other.erase(0, 4096, 0xff))).toMatchObject({
      code: "flash-erase-tool",
      details: { path },
    });
    other.close();
  });
});
