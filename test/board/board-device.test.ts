import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { type Board, openBoard } from "../../src/board/board.ts";
import { installFrom } from "../../src/board/install.ts";
import { type BoardInitOptions, initBoard } from "../../src/board/new-board.ts";
import type { FlashDeviceKind } from "../../src/flash/device/flash-device.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { MadeUpMachine } from "../support/made-up-machine.ts";
import { code, fields, GEOMETRY, HARDWARE, randomData } from "./support.ts";

const MIB = 1_048_576;
const SIZE = flashMap(GEOMETRY).size;
const OFFSET = 8192;
const data = randomData(30_000);
const image = memoryImage(data, fields({ counter: 2 }), undefined);

let machine: MadeUpMachine;
let root: string;
let dir: string;
beforeEach(() => {
  machine = new MadeUpMachine();
  root = mkdtempSync(join(tmpdir(), "mayday-device-"));
  dir = join(root, "board");
});
afterEach(() => {
  machine.close();
  rmSync(root, { recursive: true, force: true });
});

function init(kind: FlashDeviceKind, name: string, more: Partial<BoardInitOptions> = {}): void {
  const device = { kind, path: machine.dev(name), offset: OFFSET };
  const what = { hardware: HARDWARE, revision: 0, trust: [], allowUnsigned: true, ...GEOMETRY };
  initBoard(dir, { ...what, device, system: machine, ...more });
}

function withBoard<T>(write: boolean, act: (board: Board) => T): T {
  const board = openBoard(dir, { write, system: machine });
  try {
    return act(board);
  } finally {
    board.close();
  }
}

describe("a board whose flash is a device", () => {
  it.each<[FlashDeviceKind, string]>([
    ["file", "chip.bin"],
    ["block", "sda"],
    ["mtd", "mtd0"],
  ])("(%s) is made, boots, is damaged and healed, and changes nothing outside its range", (kind, name) => {
    machine.addDisk("sda", 8, MIB);
    machine.addMtd(0);
    init(kind, name, { image });
    expect(withBoard(false, (board) => board.boot().tag)).toBe("boot");
    const raw = (): Buffer => withBoard(false, (board) => Buffer.concat([...board.readRaw(0)]));
    const before = raw();
    const done = withBoard(true, (board) => board.damage({ sector: 2, bytes: 5 }, new SeededRandom(3)));
    expect(done).toMatchObject({ slot: 0, sector: 2, bytes: 5 });
    // The rest of the sector is put back as it was.
    expect(raw().filter((byte, i) => byte !== before[i]).length).toBe(done.changed);
    expect(withBoard(false, (board) => board.boot())).toMatchObject({ reason: "hash" });
    const healed = withBoard(true, (board) => {
      const store = board.store();
      const report = installFrom(store, image);
      store.close();
      return report;
    });
    expect([healed.outcome.tag, healed.blocks]).toEqual(["bootable", [2]]);
    withBoard(true, (board) => board.confirm());
    const booted = withBoard(false, (board) => Buffer.concat([...board.readImage().blocks]));
    expect(equalBytes(booted, data)).toBe(true);
    if (kind === "block") expect(machine.isUntouched("sda", OFFSET, SIZE)).toBe(true);
    const flash = readFileSync(machine.dev(name));
    const outside = kind === "file" ? 0 : kind === "block" ? 0x5a : 0xff;
    expect(flash.subarray(0, OFFSET).every((byte) => byte === outside)).toBe(true);
    expect(flash.subarray(OFFSET + SIZE).every((byte) => byte === outside)).toBe(true);
    expect(machine.eraseCalls().length > 0).toBe(kind === "mtd");
  });

  it("is not erased for a factory image that the board refuses", () => {
    machine.addDisk("sda", 8, MIB);
    expect(code(() => init("block", "sda", { image, hardware: { vendor: "x", hardwareClass: "y" } }))).toBe(
      "hardware 4",
    );
    expect(
      code(() =>
        init("file", "new.bin", { image, revision: 9, hardware: { vendor: "x", hardwareClass: "y" } }),
      ),
    ).toBe("hardware 4");
    expect([machine.isUntouched("sda"), existsSync(dir), existsSync(machine.dev("new.bin"))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("is neither made nor written while the device is mounted", () => {
    machine.addDisk("sda", 8, MIB);
    init("block", "sda");
    machine.mount("8:0", "/data", "/dev/sda");
    const before = readFileSync(machine.dev("sda"));
    expect(code(() => withBoard(true, (board) => board.damage({}, new SeededRandom(1))))).toBe(
      "flash-in-use 1",
    );
    expect(withBoard(false, (board) => board.boot().tag)).toBe("recovery");
    rmSync(dir, { recursive: true });
    expect(code(() => init("block", "sda", { overwrite: true }))).toBe("flash-in-use 1");
    expect(readFileSync(machine.dev("sda")).equals(before)).toBe(true);
    expect(existsSync(dir)).toBe(false);
  });

  it("has a boot record from the start, so that no second board is made on it", () => {
    machine.addDisk("sda", 8, MIB);
    init("block", "sda");
    expect(withBoard(false, (board) => board.boot())).toEqual({ tag: "recovery", reason: "empty" });
    rmSync(dir, { recursive: true });
    expect(code(() => init("block", "sda"))).toBe("flash-not-empty 2");
    init("block", "sda", { overwrite: true });
  });

  it("releases the lock when its device is refused", () => {
    machine.addDisk("sda", 8, MIB);
    init("block", "sda");
    machine.put("/sys/devices/sda/size", "4096\n");
    expect(code(() => withBoard(true, () => {}))).toBe("flash-size 1");
    expect(existsSync(join(dir, "lock"))).toBe(false);
  });

  it.each<[string, object]>([
    ["a relative path", { kind: "block", path: "sda", offset: 0, deviceSize: MIB }],
    ["an offset below zero", { kind: "block", path: "/dev/sda", offset: -4096, deviceSize: MIB }],
    ["an unknown kind", { kind: "tape", path: "/dev/sda", offset: 0, deviceSize: MIB }],
    ["a field that is not known", { kind: "file", path: "/x", offset: 0, deviceSize: MIB, more: 1 }],
  ])("counts as damaged with %s in its configuration", (_what, flash) => {
    machine.addDisk("sda", 8, MIB);
    init("block", "sda");
    const path = join(dir, "board.json");

    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), flash }));
    expect(code(() => openBoard(dir, { write: false, system: machine }))).toBe("board-damaged 1");
  });
});
