import { mkdirSync, readdirSync, readlinkSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { openRegular } from "../../src/files/regular-file.ts";
import { memoryImage } from "../../src/image/image-source.ts";
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

describe("hashing the blocks of a file", () => {
  it.each([1, 1024, 1025, 262_144, 262_145, 300_000])(
    "hashes %i bytes from an offset as in memory",
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

describe("files after use", () => {
  it("are closed after success and after failure", async () => {
    const input = put("closing.bin", vectorData(3000));
    const out = at("closing.mdy");
    const { keyPath } = writeKeyPair(at("closing"));
    loadSigningKey(keyPath);
    await buildImageFile({ ...plainFields, input, out });
    mkdirSync(at("folder"));
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
    await repository.close();
    expect(openFiles()).toEqual([]);
  });
});

describe("building from files", () => {
  it("has the numbers of a refusal in its error", async () => {
    const input = put("input", "bytes");
    const self = await errorOf(() => buildImageFile({ ...plainFields, input, out: input }));
    expect(self).toMatchObject({ code: "out-is-input", exitCode: 2, details: { out: input } });
    const odd = await errorOf(() => openInputImage(input, { ...plainFields, blockSize: 3000 }));
    expect(odd).toMatchObject({ code: "manifest-invalid", exitCode: 2, details: { blockSize: 3000 } });
  });

  it("accepts the largest number of blocks, and names the limit above it", async () => {
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

  it("reads input as HEX when told so, whatever it looks like", async () => {
    const input = put("not.hex", "bytes");
    const error = await errorOf(() => openInputImage(input, plainFields, { format: "hex" }));
    expect(error).toMatchObject({ code: "hex-syntax", exitCode: 1, details: { path: input, line: 1 } });
    const whole = await errorOf(() => openInputImage(put("no-data.hex", ":00000001FF\n"), plainFields));
    expect(whole).toMatchObject({ code: "hex-no-data", details: { line: 0 } });
  });

  it("knows which blocks of a file are uniform", async () => {
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
