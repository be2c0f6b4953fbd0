import { createHash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { FailedError } from "../../src/base/errors.ts";
import { ENVELOPE_MAX, ENVELOPE_MIN } from "../../src/image/cose.ts";
import { encodeManifest } from "../../src/image/envelope.ts";
import { decodeImageHeader, encodeImageHeader, IMAGE_HEADER_LENGTH } from "../../src/image/image-header.ts";
import { imageFromBytes, memoryImage } from "../../src/image/image-source.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { openImageFile } from "../../src/image-files/image-file.ts";
import {
  codeOf,
  errorOf,
  manifestVectors,
  plainFields,
  readVectors,
  resealed,
  scratchDir,
  unhex,
  vectorData,
  vectorKey,
} from "../image/support.ts";

interface FileVector {
  readonly header: readonly string[];
  readonly envelopeLength: number;
  readonly dataLength: number;
  readonly fileLength: number;
  readonly fileSha256: string;
}
const vector = readVectors<FileVector>("image-file");
const dir = scratchDir();
const fields = { ...plainFields, blockSize: 1024 };
const data = vectorData(2500);
const image = memoryImage(data, fields, vectorKey);

async function written(name: string): Promise<{ path: string; bytes: Uint8Array }> {
  const path = join(dir, name);
  await writeImageFile(image, path);
  return { path, bytes: readFileSync(path) };
}

/** Code of the error that these bytes give as a file; in memory they give the same one. */
async function openCode(bytes: Uint8Array): Promise<string> {
  const path = join(dir, "case.mdy");
  writeFileSync(path, bytes);
  return codeOfBoth(path, bytes);
}

async function codeOfBoth(path: string, bytes: Uint8Array): Promise<string> {
  const code = await codeOf(async () => (await openImageFile(path)).close());
  expect(await codeOf(() => imageFromBytes(bytes))).toBe(code);
  return code;
}

describe("damage with correct checksums", () => {
  it("is reported with its own code and the file", async () => {
    const { bytes } = await written("sealed.mdy");
    const codes: [string, (copy: Uint8Array, view: DataView) => void][] = [
      ["image-format", (_, view) => view.setUint16(8, 2, true)],
      ["image-header", (_, view) => view.setUint32(12, 0, true)],
      ["image-header", (_, view) => view.setUint16(10, ENVELOPE_MIN - 1, true)],
      ["image-header", (_, view) => view.setUint16(10, ENVELOPE_MAX + 1, true)],
      ["image-truncated", (_, view) => view.setUint32(12, data.length + 1, true)],
      ["image-trailing", (_, view) => view.setUint32(12, data.length - 1, true)],
      ["image-manifest", (copy) => copy.fill(0, IMAGE_HEADER_LENGTH, IMAGE_HEADER_LENGTH + 8)],
      ["image-corrupt", (copy) => copy.fill(0, copy.length - 2)],
    ];
    for (const [code, change] of codes) {
      const path = join(dir, "resealed.mdy");
      writeFileSync(path, resealed(bytes, change));
      const error = await errorOf(() => openImageFile(path));
      expect(error).toMatchObject({ code, exitCode: 1, details: { path } });
      const inMemory = await errorOf(() => imageFromBytes(readFileSync(path), path));
      expect(inMemory).toMatchObject({ code, message: error.message, details: { path } });
    }
  });

  it("includes a length of data that is not the manifest's", async () => {
    const { bytes } = await written("shorter.mdy");
    const shorter = resealed(bytes.subarray(0, -1), (_, view) => view.setUint32(12, data.length - 1, true));
    expect(await openCode(shorter)).toBe("image-manifest");
  });

  it("names the block that changed after the file was opened", async () => {
    const { path, bytes } = await written("blocks.mdy");
    const file = await openImageFile(path);
    const fd = openSync(path, "r+");
    writeSync(fd, Uint8Array.of(0x55), 0, 1, bytes.length - 1);
    closeSync(fd);
    const error = await errorOf(() => file.readBlockSync(2));
    expect(error).toMatchObject({ code: "image-changed", exitCode: 1, details: { path, block: 2 } });
    expect((await errorOf(() => file.readBlock(2))).details).toEqual({ path, block: 2 });
    expect(file.readBlockSync(1)).toEqual(data.subarray(1024, 2048));
    await file.close();
  });
});

describe("image file header", () => {
  it("accepts manifests from the shortest to the longest, with some data", () => {
    for (const length of [ENVELOPE_MIN, ENVELOPE_MAX]) {
      const header = decodeImageHeader(encodeImageHeader(new Uint8Array(length), 1));
      expect(header).toMatchObject({ envelopeLength: length, dataLength: 1 });
    }
    for (const [length, size] of [
      [ENVELOPE_MIN - 1, 1],
      [ENVELOPE_MAX + 1, 1],
      [ENVELOPE_MIN, 0],
    ] as const) {
      const header = decodeImageHeader(encodeImageHeader(new Uint8Array(length), size));
      expect(header).toMatchObject({ tag: "fault", fault: "length" });
    }
  });

  it("is as frozen, and so is a whole file", async () => {
    const [first] = manifestVectors.manifests;
    if (first === undefined) throw new Error("no manifest vector");
    const { rings, seed, version, size, ...rest } = first.fields;
    const [major, minor, patch] = version;
    const whole = memoryImage(
      vectorData(size),
      { ...rest, version: { major, minor, patch }, rollout: { rings, seed } },
      vectorKey,
    );
    const { envelopeLength, dataLength } = vector;
    const header = unhex(...vector.header);
    expect(encodeImageHeader(whole.envelope, size)).toEqual(header);
    expect(decodeImageHeader(header)).toMatchObject({ envelopeLength, dataLength });
    const path = join(dir, "vector.mdy");
    await writeImageFile(whole, path);
    const bytes = readFileSync(path);
    expect(bytes).toHaveLength(vector.fileLength);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(vector.fileSha256);
  });

  it("reports another format, but a damaged format number as damage", () => {
    const header = encodeImageHeader(image.envelope, 1);
    const damaged = Uint8Array.from(header);
    damaged[8] = 2;
    expect(decodeImageHeader(damaged)).toMatchObject({ fault: "crc" });
    // A header of format 2 whose CRC-32 another implementation made.
    const next = unhex("4d41594441590d0a", "0200", "6f01", "01000000", "00000000", "1c70abb6");
    expect(decodeImageHeader(next)).toMatchObject({ fault: "format" });
  });

  it.each([
    [292, 1],
    [624, 1],
    [367, 0],
  ])("refuses lengths that no image has: manifest %d, data %d", (envelopeLength, dataLength) => {
    const header = encodeImageHeader(new Uint8Array(envelopeLength), dataLength);
    expect(decodeImageHeader(header)).toMatchObject({ fault: "length" });
  });

  test.prop([fc.uint8Array({ maxLength: 40 })])("is never found in noise", (bytes) => {
    expect(decodeImageHeader(bytes)).toHaveProperty("tag", "fault");
  });
});

describe("openImageFile", () => {
  it("reads every block, the tree and the flags", async () => {
    const { path } = await written("good.mdy");
    const file = await openImageFile(path);
    expect(file.digest).toEqual(image.digest);
    expect(file.envelope).toEqual(image.envelope);
    expect(file.manifest).toEqual(image.manifest);
    expect(file.isSigned).toBe(true);
    expect(file.keyId).toEqual(vectorKey.keyId);
    expect(file.tree.root).toEqual(image.tree.root);
    for (let i = 0; i < 3; i++) {
      const expected = data.subarray(i * 1024, (i + 1) * 1024);
      expect(file.readBlockSync(i)).toEqual(expected);
      expect(await file.readBlock(i)).toEqual(expected);
      expect(file.uniformByteOf({ level: 0, index: i })).toBeUndefined();
    }
    expect(() => file.readBlockSync(3)).toThrow();
    await file.close();
    await file.close();
    expect(() => file.readBlockSync(0)).toThrow(/closed/);
  });

  it("refuses a file that is cut off at any byte, as truncated if the header is complete", async () => {
    const { path, bytes } = await written("cut.mdy");
    for (let length = bytes.length - 1; length >= 0; length -= length > 420 ? 97 : 1) {
      truncateSync(path, length);
      const code = await codeOfBoth(path, bytes.subarray(0, length));
      expect(code, `${length} bytes`).toBe(
        length >= IMAGE_HEADER_LENGTH ? "image-truncated" : "image-foreign",
      );
    }
  });

  it("refuses a file with any byte changed", async () => {
    const { path, bytes } = await written("flip.mdy");
    const fd = openSync(path, "r+");
    const seen = new Set<string>();
    for (let at = 0; at < bytes.length; at += at > 420 ? 31 : 1) {
      writeSync(fd, Uint8Array.of((bytes[at] ?? 0) ^ 0x10), 0, 1, at);
      const code = await codeOfBoth(path, readFileSync(path));
      expect(code, `byte ${at}`).toMatch(/^image-/);
      seen.add(code);
      writeSync(fd, bytes, at, 1, at);
    }
    closeSync(fd);
    expect(seen).toContain("image-corrupt");
    expect(seen).toContain("image-manifest");
    expect(seen).toContain("image-header");
    expect(seen).toContain("image-foreign");
  });

  it("refuses bytes after the image", async () => {
    const { bytes } = await written("long.mdy");
    expect(await openCode(Uint8Array.from([...bytes, 0]))).toBe("image-trailing");
  });

  it("refuses a manifest of another size, and data of another hash in the right tree", async () => {
    const other = encodeManifest({ ...image.manifest, size: 2501 }, vectorKey);
    expect(await openCode(concatBytes(encodeImageHeader(other, 2500), other, data))).toBe("image-manifest");
    const lying = encodeManifest({ ...image.manifest, sha256: new Uint8Array(32) }, vectorKey);
    expect(await openCode(concatBytes(encodeImageHeader(lying, 2500), lying, data))).toBe("image-corrupt");
  });

  it("reports a damaged file as a failure, not as a refusal", async () => {
    writeFileSync(join(dir, "other.mdy"), "not an image, though long enough to hold a header");
    await expect(openImageFile(join(dir, "other.mdy"))).rejects.toBeInstanceOf(FailedError);
    expect(await openCode(new Uint8Array(0))).toBe("image-foreign");
  });

  it("tells a missing file from a folder and a pipe", async () => {
    mkdirSync(join(dir, "folder.mdy"));
    expect(await codeOf(() => openImageFile(join(dir, "nothing.mdy")))).toBe("file-missing");
    expect(await codeOf(() => openImageFile(join(dir, "folder.mdy")))).toBe("file-not-regular");
  });

  it("notices a block that changes after it was opened", async () => {
    const { path, bytes } = await written("later.mdy");
    const file = await openImageFile(path);
    const damaged = Uint8Array.from(bytes);
    damaged[bytes.length - 1] = (damaged[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    expect(file.readBlockSync(1)).toEqual(data.subarray(1024, 2048));
    expect(await codeOf(() => file.readBlockSync(2))).toBe("image-changed");
    expect(await codeOf(() => file.readBlock(2))).toBe("image-changed");
    truncateSync(path, bytes.length - 1);
    expect(await codeOf(() => file.readBlockSync(2))).toBe("image-changed");
    await file.close();
  });

  it("keeps reading the file it hashed when another file takes its name", async () => {
    const { path } = await written("renamed.mdy");
    const file = await openImageFile(path);
    await writeImageFile(memoryImage(vectorData(9000), fields), path);
    expect(file.readBlockSync(0)).toEqual(data.subarray(0, 1024));
    await file.close();
  });
});

describe("imageFromBytes", () => {
  it("gives what openImageFile gives, without a copy of the data", async () => {
    const { path } = await written("memory.mdy");
    const bytes = Uint8Array.from(readFileSync(path));
    const [file, memory] = [await openImageFile(path), imageFromBytes(bytes)];
    expect(memory).toMatchObject({ manifest: file.manifest, digest: file.digest, isSigned: true });
    expect(memory.envelope).toEqual(file.envelope);
    expect(memory.tree.root).toEqual(file.tree.root);
    for (let i = 0; i < 3; i++) {
      expect(memory.readBlockSync(i)).toEqual(file.readBlockSync(i));
      expect(memory.readBlockSync(i).buffer).toBe(bytes.buffer);
      expect(memory.uniformByteOf({ level: 0, index: i })).toBeUndefined();
    }
    expect(() => memory.readBlockSync(3)).toThrow("no block 3");
    await file.close();
  });

  it("knows that an image is not signed", () => {
    const { envelope } = memoryImage(data, fields);
    const bytes = concatBytes(encodeImageHeader(envelope, data.length), envelope, data);
    expect(imageFromBytes(bytes).isSigned).toBe(false);
  });
});

describe("writeImageFile", () => {
  it("leaves nothing behind when the source fails, and keeps the existing file", async () => {
    const out = join(dir, "kept.mdy");
    writeFileSync(out, "old");
    const failing = {
      ...image,
      readBlockSync: (index: number) => {
        if (index === 2) throw new FailedError("image-changed", "block 2");
        return image.readBlockSync(index);
      },
    };
    expect(await codeOf(() => writeImageFile(failing, out))).toBe("image-changed");
    expect(readFileSync(out, "utf8")).toBe("old");
    expect(readdirSync(dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    rmSync(out);
  });

  it("says when the folder is missing or the name is taken by a folder", async () => {
    expect(await codeOf(() => writeImageFile(image, join(dir, "no", "x.mdy")))).toBe("out-folder-missing");
    mkdirSync(join(dir, "taken.mdy"));
    expect(await codeOf(() => writeImageFile(image, join(dir, "taken.mdy")))).toBe("out-not-file");
    expect(
      readdirSync(dir)
        .map((name) => basename(name))
        .filter((name) => name.endsWith(".tmp")),
    ).toEqual([]);
  });
});
