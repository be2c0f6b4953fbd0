import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { openBoard } from "../../src/board/board.ts";
import { lockHolder } from "../../src/board/board-lock.ts";
import { installFrom } from "../../src/board/install.ts";
import { type BoardInitOptions, initBoard } from "../../src/board/new-board.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import type { SigningKey } from "../../src/image/keys.ts";
import { loadSigningKey, writeKeyPair } from "../../src/image-files/pem-keys.ts";
import { code, fields, HARDWARE, randomData } from "./support.ts";

let root = "";
let dir = "";
let pub = "";
let key: SigningKey;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mayday-board-"));
  dir = join(root, "board");
  const paths = writeKeyPair(join(root, "fleet"));
  pub = paths.pubPath;
  key = loadSigningKey(paths.keyPath);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const data = randomData(50_001);
const made = (more: Partial<BoardInitOptions> = {}): BoardInitOptions => ({
  hardware: HARDWARE,
  revision: 2,
  sectorSize: 4096,
  slotSize: 50_001,
  layout: "single",
  trust: [{ path: pub, roles: ["app"] }],
  allowUnsigned: false,
  ...more,
});
const factory = () => memoryImage(data, fields({ counter: 4, confirm: "by-app" }), key);

describe("initBoard", () => {
  it("makes an empty board that is in distress, with its own copy of the key", () => {
    initBoard(dir, made());
    rmSync(pub);
    const board = openBoard(dir, { write: false });
    expect(board.boot()).toEqual({ tag: "recovery", reason: "empty" });
    expect(board.config).toMatchObject({
      hardware: "acme/gate",
      revision: 2,
      slotSize: 50_001,
      allowUnsigned: false,
    });
    expect(board.config.nodeId).toMatch(/^[0-9a-f]{16}$/);
    expect(board.status()).toMatchObject({
      receiving: undefined,
      isRecordTorn: false,
      trustedKeys: [key.keyId],
    });
    board.close();
    board.close();
    expect(readdirSync(root).sort()).toEqual(["board", "fleet.key"]);
    expect(readdirSync(dir).sort()).toEqual(["board.json", "flash.bin", "keys"]);
  });

  it("gives each board its own node id", () => {
    initBoard(dir, made());
    initBoard(`${dir}2`, made());
    const ids = [dir, `${dir}2`].map((path) => openBoard(path, { write: false }).config.nodeId);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it("installs a factory image that fills the slot, and confirms it whatever its policy", () => {
    initBoard(dir, made({ image: factory() }));
    const board = openBoard(dir, { write: false });
    expect(board.boot()).toMatchObject({ tag: "boot", slot: 0, isTrial: false });
    expect(board.record().counterFloor).toBe(4);
    const image = board.readImage();
    expect(equalBytes(concatBytes(...image.blocks), data)).toBe(true);
    expect(equalBytes(concatBytes(...board.readRaw(0)), data)).toBe(true);
    board.close();
  });

  it("uses an empty folder that exists", () => {
    mkdirSync(dir);
    initBoard(dir, made());
    expect(existsSync(join(dir, "board.json"))).toBe(true);
  });

  it.each<[string, Partial<BoardInitOptions>, string]>([
    ["a board that trusts no key and allows nothing else", { trust: [] }, "board-trust 2"],
    ["an impossible sector size", { sectorSize: 1000 }, "board-geometry 2"],
    ["an impossible slot size", { slotSize: 0 }, "board-geometry 2"],
    ["an impossible revision", { revision: 65_536 }, "board-revision 2"],
    ["a missing key", { trust: [{ path: "/nowhere.pub", roles: ["app"] }] }, "key-missing 2"],
    [
      "an image too large",
      { image: memoryImage(randomData(50_002), fields()), trust: [], allowUnsigned: true },
      "size 4",
    ],
    ["an unsigned image against its trust", { image: memoryImage(data, fields()) }, "unsigned 4"],
  ])("refuses %s and leaves nothing behind", (_name, more, expected) => {
    expect(code(() => initBoard(dir, made(more)))).toBe(expected);
    expect(readdirSync(root).sort()).toEqual(["fleet.key", "fleet.pub"]);
  });

  it("refuses a folder that is not empty and a file, and changes neither", () => {
    initBoard(dir, made());
    const before = readFileSync(join(dir, "board.json"), "utf8");
    expect(code(() => initBoard(dir, made()))).toBe("board-exists 2");
    expect(readFileSync(join(dir, "board.json"), "utf8")).toBe(before);
    expect(code(() => initBoard(pub, made()))).toBe("board-exists 2");
  });
});

describe("openBoard", () => {
  it("allows one writer at a time, and any number of readers", () => {
    initBoard(dir, made({ image: factory() }));
    const writer = openBoard(dir, { write: true });
    expect(code(() => openBoard(dir, { write: true }))).toBe("board-busy 1");
    const reader = openBoard(dir, { write: false });
    expect(reader.boot().tag).toBe("boot");
    expect(code(() => reader.confirm())).toBe("board-read-only 2");
    expect(code(() => reader.damage({}, new SeededRandom(1)))).toBe("board-read-only 2");
    expect(code(() => reader.store())).toBe("board-read-only 2");
    expect(code(() => reader.attempt())).toBe("board-read-only 2");
    expect(code(() => reader.nameSocket("/run/node.sock"))).toBe("board-read-only 2");
    writer.close();
    openBoard(dir, { write: true }).close();
  });

  it("names the socket of who has it open for writing, until it is closed", () => {
    initBoard(dir, made());
    const writer = openBoard(dir, { write: true });
    writer.nameSocket("/run/node.sock");
    expect(lockHolder(dir)).toEqual({ pid: process.pid, socket: "/run/node.sock" });
    writer.close();
    expect(lockHolder(dir)).toBeUndefined();
  });

  it("changes no byte of the flash by booting, reading and status", () => {
    initBoard(dir, made({ image: factory() }));
    const before = readFileSync(join(dir, "flash.bin"));
    const board = openBoard(dir, { write: false });
    board.boot();
    board.status();
    for (const _ of board.readImage().blocks);
    for (const _ of board.readRaw(0));
    board.close();
    const writer = openBoard(dir, { write: true });
    writer.close();
    expect(Buffer.compare(readFileSync(join(dir, "flash.bin")), before)).toBe(0);
  });

  it.each<[string, (path: string) => void, string]>([
    ["that is missing", (path) => rmSync(path, { recursive: true }), "board-missing 1"],
    ["without its description", (path) => rmSync(join(path, "board.json")), "board-missing 1"],
    ["whose description is cut", (path) => truncateSync(join(path, "board.json"), 50), "board-damaged 1"],
    ["whose description is empty", (path) => truncateSync(join(path, "board.json"), 0), "board-damaged 1"],
    ["of another format", (path) => edit(path, { format: 2 }), "board-version 1"],
    ["with a field of the wrong kind", (path) => edit(path, { revision: "2" }), "board-damaged 1"],
    ["with an unknown field", (path) => edit(path, { extra: 1 }), "board-damaged 1"],
    ["with an impossible sector size", (path) => edit(path, { sectorSize: 3 }), "board-damaged 1"],
    ["that trusts nobody and nothing", (path) => edit(path, { trust: [] }), "board-damaged 1"],
    ["whose flash would be elsewhere", (path) => edit(path, { flash: "../flash.bin" }), "board-damaged 1"],
    ["without its key", (path) => rmSync(join(path, "keys", "trust-1.pub")), "board-damaged 1"],
    ["without its flash", (path) => rmSync(join(path, "flash.bin")), "flash-open 1"],
    ["whose flash is cut", (path) => truncateSync(join(path, "flash.bin"), 4096), "flash-size 1"],
  ])("reports a board %s", (_name, spoil, expected) => {
    initBoard(dir, made());
    spoil(dir);
    expect(code(() => openBoard(dir, { write: false }))).toBe(expected);
    expect(code(() => openBoard(dir, { write: true }))).toBe(expected);
    expect(existsSync(join(dir, "lock"))).toBe(false);
  });
});

function edit(path: string, more: object): void {
  const file = join(path, "board.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...more }));
}

describe("a board on disk", () => {
  it("is damaged, is in distress, is healed with one sector, and reads as its image again", () => {
    initBoard(dir, made({ image: factory() }));
    let board = openBoard(dir, { write: true });
    const report = board.damage({}, new SeededRandom(3));
    expect(report).toMatchObject({ slot: 0, bytes: 4096 });
    expect(board.boot()).toEqual({ tag: "recovery", reason: "hash" });
    expect(code(() => board.readImage())).toBe("board-not-bootable 5");
    expect(code(() => board.confirm())).toBe("board-not-bootable 5");
    board.close();
    board = openBoard(dir, { write: true });
    const store = board.store();
    expect(installFrom(store, factory()).blocks).toEqual([report.sector]);
    store.close();
    expect(equalBytes(concatBytes(...board.readImage().blocks), data)).toBe(true);
    board.close();
  });

  it("fails to boot after damage of any kind", () => {
    initBoard(dir, made({ image: factory() }));
    const board = openBoard(dir, { write: true });
    for (const damage of [
      {},
      { sector: 0 },
      { sector: 12 },
      { bytes: 1 },
      { sector: 3, bytes: 1 },
      { isErase: true },
    ]) {
      for (let seed = 0; seed < 5; seed++) {
        const report = board.damage(damage, new SeededRandom(seed));
        expect(report.changed).toBeGreaterThan(0);
        expect(report.bytes).toBe(damage.bytes ?? 4096);
        expect(board.boot()).toEqual({ tag: "recovery", reason: "hash" });
        const store = board.store();
        installFrom(store, factory());
        store.close();
      }
    }
    board.close();
  });

  it("is changed by damage even where erased flash is erased again", () => {
    initBoard(dir, made());
    const board = openBoard(dir, { write: true });
    expect(board.damage({ sector: 1, isErase: true }, new SeededRandom(1)).changed).toBe(4096);
    expect(board.damage({ sector: 1, isErase: true }, new SeededRandom(1)).changed).toBe(4096);
    const before = concatBytes(...board.readRaw(0));
    expect(before.subarray(4096, 8192).every((byte) => byte === 0xff)).toBe(true);
    board.close();
  });

  it.each<[object, string]>([
    [{ slot: 1 }, "damage-slot 2"],
    [{ sector: 13 }, "damage-sector 2"],
    [{ sector: -1 }, "damage-sector 2"],
    [{ sector: 0.5 }, "damage-sector 2"],
    [{ bytes: 0 }, "damage-bytes 2"],
    [{ bytes: 4097 }, "damage-bytes 2"],
  ])("refuses damage of %j", (damage, expected) => {
    initBoard(dir, made());
    const board = openBoard(dir, { write: true });
    expect(code(() => board.damage(damage, new SeededRandom(1)))).toBe(expected);
    expect(code(() => board.readRaw(1))).toBe("board-slot 2");
    board.close();
  });

  it("counts trial boots by attempts and keeps a confirmation over openings", () => {
    initBoard(dir, made());
    let board = openBoard(dir, { write: true });
    const store = board.store();
    installFrom(store, factory());
    store.close();
    expect(board.boot()).toMatchObject({ isTrial: true });
    expect(board.attempt()).toMatchObject({ isTrial: true });
    board.close();
    board = openBoard(dir, { write: true });
    expect(board.record().slots[0]).toMatchObject({ attempts: 1, isConfirmed: false });
    expect(board.confirm().manifest.counter).toBe(4);
    board.close();
    board = openBoard(dir, { write: false });
    expect(board.boot()).toMatchObject({ isTrial: false });
    expect(board.record().counterFloor).toBe(4);
    board.close();
  });

  it("does not return bytes that changed since they were verified", () => {
    initBoard(dir, made({ image: factory() }));
    const board = openBoard(dir, { write: true });
    const { blocks } = board.readImage();
    board.damage({ sector: 12 }, new SeededRandom(1));
    expect(code(() => concatBytes(...blocks))).toBe("board-changed 1");
    board.close();
  });
});
