import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { isStaleTemp, isTempName } from "../../src/files/temp-name.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import type { PickCriteria } from "../../src/image/repository.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { FolderListing } from "../../src/image-files/folder-listing.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { codeOf, errorOf, plainFields, scratchDir, vectorData, vectorKey } from "../image/support.ts";

const dir = scratchDir();
let count = 0;
const freshDir = (): string => join(dir, `repo-${count++}`);

function image(minor: number, more: Partial<ImageFields> = {}, size = 3000): ImageSource {
  return memoryImage(
    vectorData(size),
    { ...plainFields, version: { major: 1, minor, patch: 0 }, ...more },
    vectorKey,
  );
}

async function stored(source: ImageSource): Promise<string> {
  const path = join(dir, `source-${count++}.mdy`);
  await writeImageFile(source, path);
  return path;
}

const board: PickCriteria = {
  hardwareId: hardwareId("acme", "pump-7"),
  revision: 2,
  counterFloor: 0,
  allowUnsigned: false,
};

describe("directory repository", () => {
  it("adds under the digest, lists newest first, picks and opens", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    for (const minor of [1, 3, 2]) {
      const added = await repository.add(await stored(image(minor)));
      expect(added).toMatchObject({ tag: "added", entry: { isSigned: true, keyId: vectorKey.keyId } });
    }
    const { images, skipped } = await repository.list();
    expect(images.map(({ manifest }) => manifest.version.minor)).toEqual([3, 2, 1]);
    expect(images[0]?.fileName).toBe(`${toHex(image(3).digest)}.mdy`);
    expect(skipped).toEqual([]);
    const choice = await repository.pick(board);
    if (choice.tag !== "chosen") throw new Error("nothing picked");
    const opened = await repository.open(choice.entry.digest);
    expect(opened.readBlockSync(0)).toEqual(vectorData(3000));
    await repository.release(opened);
    const again = await repository.open(choice.entry.digest);
    await repository.close();
    await repository.close();
    expect(() => again.readBlockSync(0)).toThrow(/closed/);
  });

  it("keeps one file a digest, and never replaces a signed image by an unsigned one", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const data = vectorData(100);
    const unsigned = await stored(memoryImage(data, plainFields));
    const signed = await stored(memoryImage(data, plainFields, vectorKey));
    const other = await stored(
      memoryImage(data, plainFields, signingKeyFromPem(generateKeyPair().privatePem)),
    );
    expect((await repository.add(unsigned)).tag).toBe("added");
    expect((await repository.add(unsigned)).tag).toBe("kept");
    expect((await repository.add(signed)).tag).toBe("replaced");
    expect(await repository.add(unsigned)).toMatchObject({ tag: "kept", entry: { isSigned: true } });
    expect((await repository.add(other)).tag).toBe("replaced");
    expect((await repository.list()).images).toHaveLength(1);
  });

  it("does not add a damaged image, and replaces a damaged copy that it has", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const path = await stored(image(1));
    const { entry } = await repository.add(path);
    const bytes = readFileSync(path);
    writeFileSync(join(repository.dir, entry.fileName), bytes.fill(0, bytes.length - 9));
    expect((await repository.verify()).skipped).toMatchObject([{ code: "image-corrupt" }]);
    const damaged = join(dir, "damaged.mdy");
    writeFileSync(damaged, bytes);
    expect(await codeOf(() => repository.add(damaged))).toBe("image-corrupt");
    expect((await repository.add(path)).tag).toBe("added");
    expect((await repository.verify()).images).toHaveLength(1);
  });

  it("lists good images although other files are damaged", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    const good = readFileSync(join(repository.dir, entry.fileName));
    writeFileSync(join(repository.dir, "README.txt"), "hello");
    writeFileSync(join(repository.dir, "cut.mdy"), good.subarray(0, 500));
    writeFileSync(join(repository.dir, "zero.mdy"), "");
    mkdirSync(join(repository.dir, "folder.mdy"));
    writeFileSync(join(repository.dir, `${"0".repeat(64)}.mdy`), good);
    const { images, skipped } = await repository.list();
    expect(images.map(({ fileName }) => fileName)).toEqual([entry.fileName]);
    expect(Object.fromEntries(skipped.map(({ fileName, code }) => [fileName, code]))).toEqual({
      "README.txt": "image-foreign",
      "cut.mdy": "image-truncated",
      "zero.mdy": "image-foreign",
      "folder.mdy": "file-not-regular",
      [`${"0".repeat(64)}.mdy`]: "image-misnamed",
    });
  });

  it("lists an image file that was copied into the folder, under any name", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    expect((await repository.list()).images).toEqual([]);
    copyFileSync(await stored(image(4)), join(repository.dir, "pump.mdy"));
    expect(await repository.pick(board)).toMatchObject({ tag: "chosen", entry: { fileName: "pump.mdy" } });
  });

  it("does not pick an image again that was found damaged, until it is replaced", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const path = await stored(image(2));
    const { entry } = await repository.add(path);
    await repository.add(await stored(image(1)));
    const file = join(repository.dir, entry.fileName);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await repository.pick(board)).toMatchObject({ entry: { digest: entry.digest } });
    expect(await codeOf(() => repository.open(entry.digest))).toBe("image-corrupt");
    expect(await repository.pick(board)).toMatchObject({ entry: { digest: image(1).digest } });
    const mended = join(repository.dir, "mended.tmp");
    copyFileSync(path, mended);
    renameSync(mended, file);
    expect(await repository.pick(board)).toMatchObject({ entry: { digest: entry.digest } });
  });

  it("removes by digest prefix or file name, and nothing when that is ambiguous", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    const hex = toHex(entry.digest);
    copyFileSync(join(repository.dir, entry.fileName), join(repository.dir, "copy.mdy"));
    writeFileSync(join(repository.dir, "broken.mdy"), "x");
    writeFileSync(join(repository.dir, "notes.txt"), "x");
    expect(await codeOf(() => repository.remove(hex.slice(0, 8)))).toBe("repo-ambiguous");
    expect(await codeOf(() => repository.remove(hex.slice(0, 3)))).toBe("repo-no-such-image");
    expect(await codeOf(() => repository.remove("notes.txt"))).toBe("repo-no-such-image");
    expect(await codeOf(() => repository.remove("../outside.mdy"))).toBe("repo-no-such-image");
    expect(await repository.remove("copy.mdy")).toBe("copy.mdy");
    expect(await repository.remove("broken.mdy")).toBe("broken.mdy");
    expect(await repository.remove(hex.slice(0, 8).toUpperCase())).toBe(entry.fileName);
    expect(readdirSync(repository.dir)).toEqual(["notes.txt"]);
  });

  it("is made with the folders above it, and lists files in the order of their names", async () => {
    const folder = join(freshDir(), "a", "b");
    const repository = await openDirectoryRepository(folder, { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    const names = ["zz.txt", "b.txt", "a.mdy", "0.txt", "m.mdy", "c", "y.bin", "d.txt"];
    for (const name of names) writeFileSync(join(folder, name), "x");
    // An image is only looked for under the ending.
    copyFileSync(join(folder, entry.fileName), join(folder, "image.txt"));
    const { images, skipped } = await repository.list();
    expect(images).toHaveLength(1);
    expect(skipped.map(({ fileName }) => fileName)).toEqual([...names, "image.txt"].sort());
    expect(skipped.every(({ code }) => code === "image-foreign")).toBe(true);
  });

  it("has the numbers and names of a refusal in its error", async () => {
    const folder = freshDir();
    const repository = await openDirectoryRepository(folder, { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    copyFileSync(join(folder, entry.fileName), join(folder, "copy.mdy"));
    const hex = toHex(entry.digest);
    const ambiguous = await errorOf(() => repository.remove(hex.slice(0, 4)));
    expect(ambiguous).toMatchObject({ code: "repo-ambiguous", exitCode: 2, details: { count: 2 } });
    const missing = await errorOf(() => repository.open(new Uint8Array(32)));
    expect(missing).toMatchObject({ code: "repo-no-such-image", details: { image: "0".repeat(64) } });
    mkdirSync(join(folder, "folder.mdy"));
    const failed = await errorOf(() => repository.remove("folder.mdy"));
    expect(failed).toMatchObject({ code: "repo-remove-failed", exitCode: 1, cause: expect.any(Error) });
    expect(failed.details).toEqual({ fileName: "folder.mdy" });
    const nowhere = join(folder, "nowhere");
    const absent = await errorOf(() => openDirectoryRepository(nowhere));
    expect(absent).toMatchObject({ code: "repo-missing", exitCode: 2, cause: { code: "ENOENT" } });
    expect(absent.details).toEqual({ dir: nowhere });
    const plain = join(folder, entry.fileName);
    const notFolder = await errorOf(() => openDirectoryRepository(plain));
    expect(notFolder).toMatchObject({ code: "repo-not-folder", exitCode: 2, cause: { code: "ENOTDIR" } });
    expect(notFolder.details).toEqual({ dir: plain });
    const endless = join(folder, "x".repeat(300));
    const unreadable = await errorOf(() => openDirectoryRepository(endless, { create: true }));
    expect(unreadable).toMatchObject({
      code: "repo-unreadable",
      exitCode: 1,
      cause: { code: "ENAMETOOLONG" },
    });
    expect(unreadable.details).toEqual({ dir: endless, errno: "ENAMETOOLONG" });
  });

  it("offers the signed copy of two equal images first, whatever their names", async () => {
    const folder = freshDir();
    mkdirSync(folder);
    const data = vectorData(100);
    const unsigned = await stored(memoryImage(data, plainFields));
    const signed = await stored(memoryImage(data, plainFields, vectorKey));
    for (const [first, second] of [
      [unsigned, signed],
      [signed, unsigned],
    ] as const) {
      copyFileSync(first, join(folder, "a.mdy"));
      copyFileSync(second, join(folder, "b.mdy"));
      const repository = await openDirectoryRepository(folder);
      const { images } = await repository.list();
      expect(images.map(({ isSigned, keyId }) => [isSigned, keyId !== undefined])).toEqual([
        [true, true],
        [false, false],
      ]);
    }
  });

  it("removes an image, damaged or not, by at least four digits or by its file name", async () => {
    const folder = freshDir();
    const repository = await openDirectoryRepository(folder, { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    const hex = toHex(entry.digest);
    // A name of three characters is looked for as a file name only.
    expect(await codeOf(() => repository.remove(hex.slice(0, 3)))).toBe("repo-no-such-image");
    expect(await codeOf(() => repository.remove(hex.slice(1, 9)))).toBe("repo-no-such-image");
    writeFileSync(join(folder, `${hex.slice(0, 4)}.mdy`), "damaged");
    expect(await repository.remove(`${hex.slice(0, 4)}.mdy`)).toBe(`${hex.slice(0, 4)}.mdy`);
    expect(await repository.remove(hex.slice(0, 4))).toBe(entry.fileName);
    expect(await codeOf(() => repository.remove(hex.slice(0, 4)))).toBe("repo-no-such-image");
  });

  it("opens an image once for all its users, and closes it at its end", async () => {
    const repository = await openDirectoryRepository(freshDir(), { create: true });
    const { entry } = await repository.add(await stored(image(1)));
    const [first, second] = [await repository.open(entry.digest), await repository.open(entry.digest)];
    expect(second).toBe(first);
    await repository.release(image(1));
    await repository.release(first);
    expect(second.readBlockSync(0)).toHaveLength(3000);
    await repository.close();
    expect(() => second.readBlockSync(0)).toThrow(/closed/);
  });

  it("reads its folder once for all calls of a second, unless a file comes, goes or is renamed", async () => {
    const clock = new VirtualClock();
    const folder = freshDir();
    mkdirSync(folder, { recursive: true });
    const listing = new FolderListing(folder, clock);
    let reads = 0;
    const read = listing.read.bind(listing);
    listing.read = () => {
      reads++;
      return read();
    };
    await Promise.all(Array.from({ length: 100 }, () => listing.recent()));
    expect(reads).toBe(1);
    clock.advanceTo(999);
    await listing.recent();
    expect(reads).toBe(1);
    copyFileSync(await stored(image(1)), join(folder, "one.mdy"));
    expect((await listing.recent()).images).toHaveLength(1);
    expect(reads).toBe(2);
    clock.advanceTo(2_500);
    await listing.recent();
    expect(reads).toBe(3);
  });

  it("forgets files that are gone, also when other files take their names", async () => {
    const folder = freshDir();
    const repository = await openDirectoryRepository(folder, { create: true });
    copyFileSync(await stored(image(1)), join(folder, "pump.mdy"));
    expect((await repository.list()).images).toMatchObject([{ manifest: { version: { minor: 1 } } }]);
    rmSync(join(folder, "pump.mdy"));
    expect(await repository.list()).toEqual({ images: [], skipped: [] });
    copyFileSync(await stored(image(2)), join(folder, "pump.mdy"));
    expect((await repository.list()).images).toMatchObject([{ manifest: { version: { minor: 2 } } }]);
  });

  it("accepts any file name except the digest of another image", async () => {
    const folder = freshDir();
    const repository = await openDirectoryRepository(folder, { create: true });
    const path = await stored(image(1));
    const digits = "0".repeat(64);
    for (const name of [digits.slice(1), `${digits}0`, `x${digits}`, digits.replaceAll("0", "A")]) {
      copyFileSync(path, join(folder, `${name}.mdy`));
    }
    copyFileSync(path, join(folder, `${digits}.mdy`));
    const { images, skipped } = await repository.list();
    expect(images).toHaveLength(4);
    expect(skipped).toMatchObject([{ fileName: `${digits}.mdy`, code: "image-misnamed" }]);
    expect(skipped[0]?.detail).toContain(toHex(image(1).digest));
  });

  it("tells a missing repository from a file", async () => {
    writeFileSync(join(dir, "plain"), "");
    expect(await codeOf(() => openDirectoryRepository(join(dir, "nowhere")))).toBe("repo-missing");
    expect(await codeOf(() => openDirectoryRepository(join(dir, "plain")))).toBe("repo-not-folder");
    expect(await codeOf(() => openDirectoryRepository(join(dir, "plain"), { create: true }))).toBe(
      "repo-not-folder",
    );
  });
});

describe("temporary files", () => {
  it("of a writer that was killed are removed on open; those of a running one stay", async () => {
    const folder = freshDir();
    mkdirSync(folder);
    const dead = spawnSync(process.execPath, ["-e", "console.log(process.pid)"]).stdout.toString().trim();
    let mine = "";
    await writeAtomically(join(folder, "x"), async () => {
      mine = readdirSync(folder)[0] ?? "";
      expect(isTempName(mine)).toBe(true);
      const names = {
        dead: mine.replace(`-${process.pid}-`, `-${dead}-`),
        parent: mine.replace(`-${process.pid}-`, `-${process.ppid}-`),
        otherHost: mine.replace(/^\.mayday-.{8}-\d+/, `.mayday-ffffffff-${dead}`),
      };
      for (const name of Object.values(names)) writeFileSync(join(folder, name), "half");
      const repository = await openDirectoryRepository(folder);
      expect(existsSync(join(folder, mine))).toBe(true);
      expect(existsSync(join(folder, names.dead))).toBe(false);
      expect(existsSync(join(folder, names.parent))).toBe(true);
      expect(existsSync(join(folder, names.otherHost))).toBe(true);
      expect(await repository.list()).toEqual({ images: [], skipped: [] });
    });
    // Written by this process, but by nobody any more.
    expect(isStaleTemp(mine)).toBe(true);
  });
});
