import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { FailedError } from "../../../src/base/errors.ts";
import { FileStorage } from "../../../src/flash/device/file-storage.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import { NorFlash } from "../../../src/flash/nor-flash.ts";
import { MemoryStorage } from "../../../src/flash/storage.ts";
import { openModes } from "../../support/open-files.ts";

const folder = mkdtempSync(join(tmpdir(), "mayday-flash-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `flash-${files++}.bin`);

/** What `run` throws, which must be a {@link FailedError}. */
function failureOf(run: () => unknown): FailedError {
  try {
    run();
  } catch (error) {
    if (error instanceof FailedError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe.each([
  ["MemoryStorage", (size: number) => new MemoryStorage(size)],
  ["FileStorage", (size: number) => FileStorage.create(fresh(), size)],
])("%s", (_, make) => {
  it("is erased at first, and reads back what was written, where it was written", () => {
    const storage = make(64);
    expect(storage.size).toBe(64);
    expect(storage.read(0, 64)).toEqual(new Uint8Array(64).fill(0xff));
    storage.write(3, Uint8Array.of(1, 2, 3));
    storage.sync();
    expect([...storage.read(2, 5)]).toEqual([0xff, 1, 2, 3, 0xff]);
    storage.write(61, Uint8Array.of(7, 8, 9));
    expect([...storage.read(60, 4)]).toEqual([0xff, 7, 8, 9]);
    expect(storage.read(64, 0)).toEqual(new Uint8Array(0));
    storage.close();
    storage.close();
  });

  it("gives copies, which later writes do not change", () => {
    const storage = make(8);
    const before = storage.read(0, 8);
    storage.write(0, new Uint8Array(8));
    expect(before).toEqual(new Uint8Array(8).fill(0xff));
    before.fill(5);
    expect(storage.read(0, 8)).toEqual(new Uint8Array(8));
    storage.close();
  });

  it.each([
    ["before its start", -1, 2],
    ["behind its end", 62, 3],
    ["far behind", 65, 0],
  ])("is neither read nor written %s: that is a bug", (__, offset, length) => {
    const storage = make(64);
    expect(() => storage.read(offset, length)).toThrow(AssertionError);
    expect(() => storage.write(offset, new Uint8Array(length))).toThrow(AssertionError);
    expect(() => storage.read(4, -1)).toThrow(AssertionError);
    expect(storage.read(0, 64)).toEqual(new Uint8Array(64).fill(0xff));
    storage.close();
  });
});

describe("a flash in a file", () => {
  it("is whole on disk, also where it is larger than one step of erasing", () => {
    const path = fresh();
    const size = 1_048_576 + 5;
    FileStorage.create(path, size).close();
    expect(statSync(path).size).toBe(size);
    expect(readFileSync(path).every((byte) => byte === 0xff)).toBe(true);
  });

  it("stays when it is opened again, to read or to write", () => {
    const path = fresh();
    const first = FileStorage.create(path, 32);
    first.write(8, Uint8Array.of(4, 5));
    first.close();
    const second = FileStorage.open(path, 32, "write");
    second.write(9, Uint8Array.of(6));
    second.close();
    const third = FileStorage.open(path, 32, "read");
    expect([...third.read(7, 4)]).toEqual([0xff, 4, 6, 0xff]);
    const refused = failureOf(() => third.write(0, Uint8Array.of(0)));
    expect(refused).toMatchObject({ code: "flash-io", details: { path, offset: 0, length: 1 } });
    expect(refused.cause).toBeInstanceOf(Error);
    third.close();
  });

  it("is not made over another, nor opened where there is none", () => {
    const path = fresh();
    writeFileSync(path, "mine");
    const taken = failureOf(() => FileStorage.create(path, 16));
    expect(taken).toMatchObject({ code: "flash-open", details: { path }, cause: { code: "EEXIST" } });
    expect(readFileSync(path, "utf8")).toBe("mine");
    const missing = fresh();
    const failure = failureOf(() => FileStorage.open(missing, 16, "write"));
    expect(failure).toMatchObject({
      code: "flash-open",
      details: { path: missing },
      cause: { code: "ENOENT" },
    });
  });

  it.each([15, 17])("is refused with %i bytes of 16", (seen) => {
    const path = fresh();
    writeFileSync(path, new Uint8Array(seen));
    const failure = failureOf(() => FileStorage.open(path, 16, "read"));
    expect(failure).toMatchObject({ code: "flash-size", details: { path, seen, expected: 16 } });
  });

  it.each([
    [-1, 16],
    [0.5, 16],
    [Number.NaN, 16],
    [2 ** 53, 16],
    [0, 0],
    [0, -1],
  ])("has no range at %d of %d bytes: that is a bug", (base, size) => {
    expect(() => FileStorage.range("nowhere", -1, base, size)).toThrow(AssertionError);
  });

  it("fails by name when its file is cut off meanwhile", () => {
    const path = fresh();
    const storage = FileStorage.create(path, 64);
    truncateSync(path, 40);
    expect(storage.read(0, 40)).toHaveLength(40);
    const failure = failureOf(() => storage.read(30, 20));
    expect(failure).toMatchObject({ code: "flash-io", details: { path, offset: 30, length: 20 } });
    storage.close();
  });

  it("can no longer be accessed after close, and holds no file open", () => {
    const path = fresh();
    const isOpen = (): boolean => openModes(path).length > 0;
    const storage = FileStorage.create(path, 16);
    expect(isOpen()).toBe(true);
    storage.close();
    expect(isOpen()).toBe(false);
    failureOf(() => FileStorage.open(path, 17, "read"));
    expect(isOpen()).toBe(false);
    for (const use of [
      () => storage.read(0, 1),
      () => storage.write(0, Uint8Array.of(1)),
      () => storage.sync(),
    ]) {
      expect(failureOf(use)).toMatchObject({ code: "flash-io", cause: expect.any(AssertionError) });
    }
  });
});

describe("a flash over a storage", () => {
  it("reports a broken rule by an error class of its own", () => {
    const map = flashMap({ sectorSize: 1024, slotSize: 1, layout: "single" });
    expect(() => new NorFlash(new MemoryStorage(1), map)).toThrow(
      expect.objectContaining({ name: "FlashRuleError", rule: "range" }),
    );
  });

  it("passes a sync on to its storage", () => {
    let syncs = 0;
    const map = flashMap({ sectorSize: 1024, slotSize: 1, layout: "single" });
    const storage = new (class extends MemoryStorage {
      override sync(): void {
        syncs++;
      }
    })(map.size);
    const flash = new NorFlash(storage, map);
    flash.sync();
    expect(syncs).toBe(1);
  });
});
