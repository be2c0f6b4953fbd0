import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { errnoOf } from "../../src/base/errno.ts";
import { FailedError } from "../../src/base/errors.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { syncFolder } from "../../src/files/durable-file.ts";
import { openRegular, readFully } from "../../src/files/regular-file.ts";
import { beginTemp, clearStaleTemps, endTemp, isStaleTemp, isTempName } from "../../src/files/temp-name.ts";
import { BlockDigester, memoryImage } from "../../src/image/image-source.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { digestFile } from "../../src/image-files/file-digest.ts";
import { buildImageFile, openInputImage } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import { loadSigningKey, writeKeyPair } from "../../src/image-files/pem-keys.ts";
import { errorOf, plainFields, scratchDir, vectorData } from "../image/support.ts";

const dir = scratchDir();
const at = (name: string): string => join(dir, name);
const put = (name: string, content: Uint8Array | string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const temps = (): string[] => readdirSync(dir).filter((name) => name.endsWith(".tmp"));

describe("writing a file in one step", () => {
  it("makes it or replaces it, and leaves nothing else", async () => {
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

  it("refuses a folder in its place before anything is written", async () => {
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

  it("names what the system says, and passes other errors on as they are", async () => {
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

  it("syncs folders where the system can, and carries on where it cannot", async () => {
    await syncFolder(dir);
    await syncFolder(at("nowhere"));
  });
});

describe("names of temporary files", () => {
  const name = (pid: number | string): string => `.mayday-0badcafe-${pid}-0123456789ab.tmp`;

  it("are ours only in full", () => {
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

  it("that nobody writes any more are cleared with all that is in them; the others stay", () => {
    const folder = at("temps");
    const [left, active] = [beginTemp(), beginTemp()];
    mkdirSync(join(folder, left), { recursive: true });
    writeFileSync(join(folder, left, "inside"), "half");
    writeFileSync(join(folder, active), "half");
    writeFileSync(join(folder, "mine"), "whole");
    clearStaleTemps(folder);
    expect(readdirSync(folder).sort()).toEqual([active, "mine", left].sort());
    endTemp(left);
    clearStaleTemps(folder);
    expect(readdirSync(folder).sort()).toEqual([active, "mine"].sort());
    endTemp(active);
    clearStaleTemps(at("nowhere"));
  });
});

describe("errnoOf", () => {
  it("is the code of errors of the system, and of nothing else", () => {
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
  it("names the file that is missing, unreadable, or no file", async () => {
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

  it.each([1, 1024, 1025, 262_144, 262_145, 300_000])(
    "hashes %i bytes behind others as it would in memory",
    async (size) => {
      const data = vectorData(size);
      const path = put("digest", Buffer.concat([Buffer.from("head"), data, Buffer.from("tail")]));
      for (const blockSize of [1024, 65_536]) {
        const { handle } = await openRegular(path);
        const { facts } = await digestFile(path, handle, 4, size, blockSize);
        const { manifest } = memoryImage(data, { ...plainFields, blockSize });
        expect(facts).toEqual({
          size,
          leafCount: Math.ceil(size / blockSize),
          root: manifest.root,
          sha256: manifest.sha256,
        });
        await handle.close();
      }
    },
  );

  it("fails when a file becomes shorter while it is hashed", async () => {
    const path = put("shrinking", vectorData(5000));
    const { handle, size } = await openRegular(path);
    truncateSync(path, 4999);
    const error = await errorOf(() => digestFile(path, handle, 0, size, 1024));
    expect(error).toMatchObject({ code: "file-changed", exitCode: 1, details: { path } });
    await handle.close();
  });

  it("asserts that it gets every block, each of its whole length, of at least one byte", () => {
    expect(() => new BlockDigester(0, 1024)).toThrow(AssertionError);
    expect(() => new BlockDigester(1, 0)).toThrow(AssertionError);
    const digester = new BlockDigester(1500, 1024);
    expect(() => digester.push(new Uint8Array(1023))).toThrow(AssertionError);
    digester.push(new Uint8Array(1024));
    expect(() => digester.finish()).toThrow(AssertionError);
    expect(() => digester.push(new Uint8Array(1024))).toThrow(AssertionError);
    digester.push(new Uint8Array(476));
    expect(digester.finish().facts).toMatchObject({ size: 1500, leafCount: 2 });
  });

  it("gives the blocks of an image in memory, and no others", () => {
    const image = memoryImage(vectorData(2500), { ...plainFields, blockSize: 1024 });
    expect([0, 1, 2].map((i) => image.readBlockSync(i).length)).toEqual([1024, 1024, 452]);
    expect(() => image.readBlockSync(3)).toThrow(AssertionError);
    expect(() => image.readBlockSync(-1)).toThrow(AssertionError);
    expect(image.isSigned).toBe(false);
  });
});

/** Files of this test's folder that the process holds open. */
function openFiles(): string[] {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((path) => path.startsWith(dir));
}

describe("files that are done with", () => {
  it("are closed, whether it went well or not", async () => {
    const input = put("closing.bin", vectorData(3000));
    const out = at("closing.mdy");
    const { keyPath } = writeKeyPair(at("closing"));
    loadSigningKey(keyPath);
    await buildImageFile({ ...plainFields, input, out });
    await errorOf(() => buildImageFile({ ...plainFields, input, out: at("folder") }));
    await errorOf(() => openInputImage(put("closing-empty.bin", ""), plainFields));
    await errorOf(() => openInputImage(input, plainFields, { format: "hex" }));
    await writeAtomically(at("closing-fill"), () => Promise.reject(new Error("no"))).catch(() => {});
    const repository = await openDirectoryRepository(at("closing-repo"), { create: true });
    const { entry } = await repository.add(out);
    await repository.list();
    await repository.verify();
    put("closing-foreign.mdy", "x");
    await errorOf(() => openImageFile(at("closing-foreign.mdy")));
    expect(openFiles()).toEqual([]);
    const held = await repository.open(entry.digest);
    expect(openFiles()).toHaveLength(1);
    await repository.release(held);
    expect(openFiles()).toEqual([]);
  });
});

describe("building from files", () => {
  it("tells the numbers of a refusal", async () => {
    const input = put("input", "bytes");
    const self = await errorOf(() => buildImageFile({ ...plainFields, input, out: input }));
    expect(self).toMatchObject({ code: "out-is-input", exitCode: 2, details: { out: input } });
    const odd = await errorOf(() => openInputImage(input, { ...plainFields, blockSize: 3000 }));
    expect(odd).toMatchObject({ code: "manifest-invalid", exitCode: 2, details: { blockSize: 3000 } });
  });

  it("takes as many blocks as there may be, and tells the limit beyond", async () => {
    const input = put("sparse", "");
    truncateSync(input, 1024 * 2 ** 20 + 1);
    const large = await errorOf(() => openInputImage(input, { ...plainFields, blockSize: 1024 }));
    expect(large).toMatchObject({ code: "input-too-large", exitCode: 2 });
    expect(large.details).toEqual({ size: statSync(input).size, limit: 1024 * 2 ** 20 });
    truncateSync(input, 268_435_457);
    const hex = await errorOf(() => openInputImage(input, plainFields, { format: "hex" }));
    expect(hex).toMatchObject({
      code: "input-too-large",
      details: { size: 268_435_457, limit: 268_435_456 },
    });
    truncateSync(input, 0);
  });

  it("reads as HEX what is said to be HEX, whatever it looks like", async () => {
    const input = put("not.hex", "bytes");
    const error = await errorOf(() => openInputImage(input, plainFields, { format: "hex" }));
    expect(error).toMatchObject({ code: "hex-syntax", exitCode: 1, details: { path: input, line: 1 } });
    const whole = await errorOf(() => openInputImage(put("no-data.hex", ":00000001FF\n"), plainFields));
    expect(whole).toMatchObject({ code: "hex-no-data", details: { line: 0 } });
  });

  it("knows which blocks of a file are all one byte", async () => {
    const input = put("even.bin", Buffer.concat([vectorData(4096), new Uint8Array(8192).fill(7)]));
    const image = await openInputImage(input, plainFields);
    expect([0, 1, 2].map((index) => image.uniformByteOf({ level: 0, index }))).toEqual([undefined, 7, 7]);
    await image.close();
  });

  it.each([262_143, 262_144, 262_145, 600_001])("writes and reads %i bytes in blocks", async (size) => {
    const data = vectorData(size);
    const out = at("chunks.mdy");
    for (const blockSize of [1024, 65_536]) {
      const input = put("chunks.bin", data);
      const built = await buildImageFile({ ...plainFields, blockSize, input, out });
      const file = await openImageFile(out);
      expect(file.digest).toEqual(built.digest);
      const blocks = Array.from({ length: file.manifest.leafCount }, (_, i) => file.readBlockSync(i));
      expect(Buffer.concat(blocks).equals(data)).toBe(true);
      const last = file.manifest.leafCount - 1;
      expect(await file.readBlock(last)).toEqual(blocks.at(-1));
      expect(() => file.readBlockSync(last + 1)).toThrow(AssertionError);
      expect(() => file.readBlockSync(-1)).toThrow(AssertionError);
      await file.close();
      await file.close();
      await expect(file.readBlock(0)).rejects.toThrow(AssertionError);
    }
  });
});
