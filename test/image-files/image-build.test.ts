import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { memoryImage } from "../../src/image/image-source.ts";
import { buildImageFile, openInputImage, writeImageFile } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import { codeOf, errorOf, plainFields, scratchDir, vectorData, vectorKey } from "../image/support.ts";

const dir = scratchDir();
const at = (name: string): string => join(dir, name);
const put = (name: string, content: Uint8Array | string): string => {
  writeFileSync(at(name), content);
  return at(name);
};

describe("buildImageFile", () => {
  it("writes what openImageFile reads: the same manifest as in memory", async () => {
    const data = vectorData(300_001);
    const built = await buildImageFile({
      ...plainFields,
      input: put("raw.bin", data),
      out: at("raw.mdy"),
      counter: 3,
      sequence: undefined,
      signer: vectorKey,
    });
    expect(built).toMatchObject({ isSigned: true });
    expect(built.envelope).toEqual(memoryImage(data, { ...plainFields, counter: 3 }, vectorKey).envelope);
    const file = await openImageFile(at("raw.mdy"));
    expect(file.digest).toEqual(built.digest);
    expect(file.readBlockSync(73)).toEqual(data.subarray(73 * 4096));
    await file.close();
  });

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 6000 }), fc.constantFrom(1024, 2048, 4096, 65_536)], {
    numRuns: 15,
  })("keeps any input byte for byte", async (data, blockSize) => {
    const input = put("any.bin", data);
    await buildImageFile({ ...plainFields, blockSize, input, out: at("any.mdy"), format: "raw" });
    expect(new Uint8Array(readFileSync(at("any.mdy")).subarray(-data.length))).toEqual(data);
    await (await openImageFile(at("any.mdy"))).close();
  });

  it("decodes Intel HEX, and fills gaps with 0xFF", async () => {
    const text = ":020000040800F2\n:0400000001020304F2\n:02000600AABB93\n:00000001FF\n";
    const image = await openInputImage(put("fw.hex", text), plainFields);
    expect(image.readBlockSync(0)).toEqual(Uint8Array.of(1, 2, 3, 4, 0xff, 0xff, 0xaa, 0xbb));
    expect(image.manifest.size).toBe(8);
    await image.close();
    await image.close();
  });

  it("names the damaged line of a HEX file instead of reading it as raw", async () => {
    const text = ":0400000001020304F2\r\n:0400040001020304EF\r\n:00000001FF\r\n";
    const input = put("bad.hex", text);
    expect(await codeOf(() => openInputImage(input, plainFields))).toBe("hex-checksum");
    await expect(openInputImage(input, plainFields)).rejects.toThrow(/line 2/);
    const raw = await openInputImage(input, plainFields, { format: "raw" });
    expect(raw.manifest.size).toBe(text.length);
    await raw.close();
  });

  it("refuses an empty input, a folder, a missing file, a pipe and fields that are not allowed", async () => {
    const build = (input: string, more: object = {}): Promise<string> =>
      codeOf(() => buildImageFile({ ...plainFields, ...more, input, out: at("never.mdy") }));
    const good = put("good.bin", "bytes");
    mkdirSync(at("folder"));
    execFileSync("mkfifo", [at("pipe")]);
    expect(await build(put("empty.bin", ""))).toBe("input-empty");
    expect(await build(at("folder"))).toBe("file-not-regular");
    expect(await build(at("pipe"))).toBe("file-not-regular");
    expect(await build(at("missing.bin"))).toBe("file-missing");
    expect(await build(good, { blockSize: 1000 })).toBe("manifest-invalid");
    expect(await build(good, { vendor: "a/b" })).toBe("manifest-invalid");
    expect(readdirSync(dir)).not.toContain("never.mdy");
    expect(readdirSync(dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("refuses more blocks than an image may have, before reading any", async () => {
    const input = put("huge.bin", "");
    truncateSync(input, 2 ** 30 + 1); // sparse
    const build = codeOf(() => openInputImage(input, { ...plainFields, blockSize: 1024 }));
    expect(await build).toBe("input-too-large");
    truncateSync(input, 2 ** 32);
    expect(await codeOf(() => openInputImage(input, plainFields))).toBe("input-too-large");
    truncateSync(input, 0);
  });

  it("refuses to write over its input, also through a link", async () => {
    const input = put("self.bin", "bytes");
    symlinkSync(input, at("link.bin"));
    for (const out of [input, at("link.bin"), join(dir, ".", "self.bin")]) {
      expect(await codeOf(() => buildImageFile({ ...plainFields, input, out }))).toBe("out-is-input");
    }
    expect(readFileSync(input, "utf8")).toBe("bytes");
  });

  it("fails when the input changes between hashing and copying", async () => {
    const input = put("moving.bin", vectorData(20_000));
    const image = await openInputImage(input, plainFields);
    const changed = vectorData(20_000);
    changed[9000] = (changed[9000] ?? 0) ^ 1;
    writeFileSync(input, changed);
    expect(await codeOf(() => writeImageFile(image, at("moving.mdy")))).toBe("image-changed");
    expect(readdirSync(dir)).not.toContain("moving.mdy");
    await image.close();
  });

  it("closes its input when the image is written, and when it cannot be", async () => {
    const input = put("closed.bin", vectorData(5000));
    const open = () =>
      readdirSync("/proc/self/fd").filter((fd) => {
        const path = join("/proc/self/fd", fd);
        return existsSync(path) && readlinkSync(path) === realpathSync(input);
      }).length;
    const image = await openInputImage(input, plainFields);
    expect(open()).toBe(1);
    await image.close();
    await buildImageFile({ ...plainFields, input, out: at("closed.mdy") });
    expect(open()).toBe(0);
    await errorOf(() => buildImageFile({ ...plainFields, input, out: at("nowhere/closed.mdy") }));
    expect(open()).toBe(0);
  });

  it("uses the length that the input had when it was opened", async () => {
    const input = put("growing.bin", vectorData(5000));
    const image = await openInputImage(input, plainFields);
    appendFileSync(input, "more");
    await writeImageFile(image, at("growing.mdy"));
    const file = await openImageFile(at("growing.mdy"));
    expect(file.manifest.size).toBe(5000);
    await file.close();
    await image.close();
  });
});
