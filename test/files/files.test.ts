import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { errnoOf } from "../../src/base/errno.ts";
import { FailedError } from "../../src/base/errors.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { makeFolder, syncFolder, writeNewFile } from "../../src/files/durable-file.ts";
import { writeKeyFile } from "../../src/files/key-file.ts";
import { openRegular, readFully } from "../../src/files/regular-file.ts";
import { clearStaleTempsIn } from "../../src/files/stale-temps.ts";
import { beginTemp, endTemp, isStaleTemp, isTempName } from "../../src/files/temp-name.ts";
import { errorOf, scratchDir } from "../image/support.ts";

const dir = scratchDir();
const at = (name: string): string => join(dir, name);
const put = (name: string, content: Uint8Array | string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const temps = (): string[] => readdirSync(dir).filter((name) => name.endsWith(".tmp"));

describe("writing a file in one step", () => {
  it("creates or replaces the file, and leaves no other file", async () => {
    for (const text of ["first", "second"]) {
      await writeAtomically(at("whole"), async (handle) => {
        await handle.write(text);
        expect(temps()).toHaveLength(1);
        expect(temps().every(isTempName)).toBe(true);
      });
      expect(readFileSync(at("whole"), "utf8")).toBe(text);
      expect(temps()).toEqual([]);
    }
  });

  it("refuses a folder of that name before anything is written", async () => {
    mkdirSync(at("folder"));
    let isFilled = false;
    const error = await errorOf(() =>
      writeAtomically(at("folder"), async () => {
        isFilled = true;
      }),
    );
    expect(error).toMatchObject({ code: "out-not-file", exitCode: 2, details: { path: at("folder") } });
    expect(isFilled).toBe(false);
  });

  it.each([
    ["a folder that is missing", "ENOENT", join("none", "x")],
    ["a file in a folder's place", "ENOTDIR", join("a-file", "x")],
  ])("says that the folder is missing: %s", async (_, code, name) => {
    put("a-file", "");
    const error = await errorOf(() => writeAtomically(at(name), async () => {}));
    expect(error).toMatchObject({ code: "out-folder-missing", exitCode: 2, cause: { code } });
    expect(error.details).toEqual({ path: at(name) });
  });

  it("reports the error of the system by name, and passes other errors on", async () => {
    const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    const fail = (error: Error): Promise<void> => writeAtomically(at("never"), () => Promise.reject(error));
    const told = await errorOf(() => fail(full));
    expect(told).toMatchObject({ code: "write-failed", exitCode: 1, cause: full });
    expect(told.details).toEqual({ path: at("never"), errno: "ENOSPC" });
    const own = new FailedError("image-changed", "block 2");
    await expect(fail(own)).rejects.toBe(own);
    const bug = new AssertionError("ours");
    await expect(fail(bug)).rejects.toBe(bug);
    expect(temps()).toEqual([]);
    expect(existsSync(at("never"))).toBe(false);
  });

  it("syncs folders, and ignores that a file system cannot", () => {
    const before = readdirSync("/proc/self/fd").length;
    syncFolder(dir);
    syncFolder(at("nowhere"));
    expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  });
});

describe("a new folder or file", () => {
  it("is a folder with its parents, whether it is there already or not", () => {
    const deep = at(join("a", "b", "c"));
    for (let i = 0; i < 2; i++) {
      makeFolder(deep);
      expect(statSync(deep).isDirectory()).toBe(true);
    }
    put("in-the-way", "");
    expect(() => makeFolder(at("in-the-way"))).toThrow("EEXIST");
  });

  it("is a file with the mode that was asked for, and replaces none", () => {
    writeNewFile(at("new"), "first", 0o600);
    expect(statSync(at("new")).mode & 0o777).toBe(0o600);
    expect(() => writeNewFile(at("new"), "second", 0o600)).toThrow("EEXIST");
    expect(readFileSync(at("new"), "utf8")).toBe("first");
  });
});

describe("a key file", () => {
  const tempsIn = (folder: string): string[] => readdirSync(folder).filter((name) => isTempName(name));

  it("is written for those who may read it, and leaves no other file", () => {
    writeKeyFile(at("own.key"), "secret", 0o600);
    expect(readFileSync(at("own.key"), "utf8")).toBe("secret");
    expect(statSync(at("own.key")).mode & 0o777).toBe(0o600);
    expect(tempsIn(dir)).toEqual([]);
  });

  it("replaces none, and leaves no other file when it cannot be written", async () => {
    put("kept.key", "mine");
    const exists = await errorOf(() => writeKeyFile(at("kept.key"), "other", 0o600));
    expect(exists).toMatchObject({ code: "key-exists", exitCode: 2, details: { path: at("kept.key") } });
    expect(readFileSync(at("kept.key"), "utf8")).toBe("mine");
    const missing = await errorOf(() => writeKeyFile(at(join("none", "x.key")), "text", 0o600));
    expect(missing).toMatchObject({ code: "key-folder-missing", exitCode: 2, cause: { code: "ENOENT" } });
    put("a-file.txt", "");
    const path = at(join("a-file.txt", "x.key"));
    const failed = await errorOf(() => writeKeyFile(path, "text", 0o600));
    expect(failed).toMatchObject({ code: "key-not-written", exitCode: 1, cause: { code: "ENOTDIR" } });
    expect(failed.details).toEqual({ path });
    expect(tempsIn(dir)).toEqual([]);
  });
});

describe("names of temporary files", () => {
  const name = (pid: number | string): string => `.mayday-0badcafe-${pid}-0123456789ab.tmp`;

  it("are recognised only as a whole", () => {
    expect(isTempName(name(1))).toBe(true);
    expect(isTempName(name(4_194_304))).toBe(true);
    for (const other of [
      `x${name(1)}`,
      `${name(1)}x`,
      name(""),
      name("a"),
      name(1).replace("0badcafe", "0badcaf"),
      name(1).replace("0123456789ab", "0123456789a"),
      name(1).replace("0123456789ab", "0123456789ag"),
      name(1).replace(".tmp", "_tmp"),
      name(1).slice(1),
    ]) {
      expect(isTempName(other), other).toBe(false);
      expect(isStaleTemp(other), other).toBe(false);
    }
  });

  it("are removed with their content when their writer is gone; the others stay", () => {
    const folder = at("temps");
    const [left, active] = [beginTemp(), beginTemp()];
    mkdirSync(join(folder, left), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, left, "inside"), "half");
    writeFileSync(join(folder, active), "half");
    writeFileSync(join(folder, "mine"), "whole");
    clearStaleTempsIn(folder);
    expect(readdirSync(folder).sort()).toEqual([active, "mine", left].sort());
    endTemp(left);
    clearStaleTempsIn(folder);
    expect(readdirSync(folder).sort()).toEqual([active, "mine"].sort());
    endTemp(active);
    clearStaleTempsIn(at("nowhere"));
  });
});

describe("errnoOf", () => {
  it("gives the code of errors of the system, and of nothing else", () => {
    expect(errnoOf(Object.assign(new Error(), { code: "EIO" }))).toBe("EIO");
    for (const other of [
      new Error(),
      Object.assign(new Error(), { code: 5 }),
      { code: "EIO" },
      "EIO",
      undefined,
    ]) {
      expect(errnoOf(other)).toBe("unknown error");
    }
  });
});

describe("reading files", () => {
  it("names a file that is missing, unreadable, or not a file", async () => {
    const plain = put("plain", "bytes");
    const missing = await errorOf(() => openRegular(at("missing")));
    expect(missing).toMatchObject({ code: "file-missing", exitCode: 2, cause: { code: "ENOENT" } });
    expect(missing.details).toEqual({ path: at("missing") });
    const below = await errorOf(() => openRegular(join(plain, "x")));
    expect(below).toMatchObject({ code: "file-unreadable", exitCode: 1, cause: { code: "ENOTDIR" } });
    expect(below.details).toEqual({ path: join(plain, "x"), errno: "ENOTDIR" });
    const folder = await errorOf(() => openRegular(dir));
    expect(folder).toMatchObject({ code: "file-not-regular", exitCode: 2, details: { path: dir } });
  });

  it("fills a buffer, or stops at the end of the file", async () => {
    const { handle, size } = await openRegular(put("ten", "0123456789"));
    expect(size).toBe(10);
    const buffer = new Uint8Array(6);
    expect(await readFully(handle, buffer, 2)).toBe(6);
    expect(Buffer.from(buffer).toString()).toBe("234567");
    expect(await readFully(handle, buffer.fill(0), 7)).toBe(3);
    expect(Buffer.from(buffer).toString()).toBe("789\0\0\0");
    expect(await readFully(handle, buffer, 10)).toBe(0);
    await handle.close();
  });
});
