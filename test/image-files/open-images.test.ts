import { appendFileSync, copyFileSync, renameSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { memoryImage } from "../../src/image/image-source.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { IDLE_IMAGES_MAX, OpenImages } from "../../src/image-files/open-images.ts";
import { codeOf, plainFields, scratchDir, vectorData, vectorKey } from "../image/support.ts";
import { openModes } from "../support/open-files.ts";

const dir = scratchDir();
let count = 0;
const opened: OpenImages[] = [];

function openImages(): OpenImages {
  const images = new OpenImages();
  opened.push(images);
  return images;
}

async function imageFile(size = 3000): Promise<string> {
  const path = join(dir, `image-${count}.mdy`);
  const version = { major: 1, minor: count++, patch: 0 };
  await writeImageFile(memoryImage(vectorData(size), { ...plainFields, version }, vectorKey), path);
  return path;
}

afterEach(async () => {
  for (const images of opened.splice(0)) await images.close();
});

describe("an image file that is used", () => {
  it("is opened once for a hundred uses at the same time, and stays open for the next", async () => {
    const images = openImages();
    const path = await imageFile(100_000);
    const uses = await Promise.all(Array.from({ length: 100 }, () => images.use(path)));
    expect(new Set(uses).size).toBe(1);
    expect(openModes(path)).toHaveLength(1);
    for (const image of uses) await images.release(image);
    expect(openModes(path)).toHaveLength(1);
    expect(await images.use(path)).toBe(uses[0]);
    await images.close();
    expect(openModes(path)).toEqual([]);
  });

  it("is opened again when another file has its name, while those who use the old one keep it", async () => {
    const images = openImages();
    const [path, other] = [await imageFile(3000), await imageFile(5000)];
    const old = await images.use(path);
    renameSync(other, path);
    const next = await images.use(path);
    expect([old.manifest.size, next.manifest.size]).toEqual([3000, 5000]);
    expect(old.readBlockSync(0)).toEqual(vectorData(3000));
    await images.release(old);
    expect(await images.use(path)).toBe(next);
  });

  it("is opened again when it was changed in place", async () => {
    const images = openImages();
    const path = await imageFile();
    await images.release(await images.use(path));
    appendFileSync(path, "x");
    utimesSync(path, 1, 1);
    expect(await codeOf(() => images.use(path))).toMatch(/^image-/);
  });

  it(`is closed when nobody uses it and ${IDLE_IMAGES_MAX} others were used since`, async () => {
    const images = openImages();
    const paths = await Promise.all(Array.from({ length: IDLE_IMAGES_MAX + 3 }, () => imageFile()));
    const [held] = paths;
    await images.use(held ?? "");
    for (const path of paths.slice(1)) await images.release(await images.use(path));
    const isOpen = paths.map((path) => openModes(path).length);
    expect(isOpen).toEqual([1, 0, 0, ...Array.from({ length: IDLE_IMAGES_MAX }, () => 1)]);
  });

  it("is tried again after an error, which nobody else gets", async () => {
    const images = openImages();
    const [path, other] = [join(dir, "later.mdy"), await imageFile()];
    const [missing, there] = await Promise.allSettled([images.use(path), images.use(other)]);
    expect([missing.status, there.status]).toEqual(["rejected", "fulfilled"]);
    copyFileSync(other, path);
    expect((await images.use(path)).manifest.size).toBe(3000);
    expect(statSync(path).size).toBeGreaterThan(3000);
  });
});
