import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { memoryImage } from "../../src/image/image-source.ts";
import { openDirectoryRepository } from "../../src/image-files/directory-repository.ts";
import { REPOSITORY_FILES_MAX } from "../../src/image-files/folder-listing.ts";
import { writeImageFile } from "../../src/image-files/image-build.ts";
import { plainFields, scratchDir, vectorData } from "../image/support.ts";

describe("a repository with too many files", () => {
  it("reads 4096 files, in the order of their names, and reports the others", async () => {
    const folder = scratchDir();
    for (let i = 0; i < REPOSITORY_FILES_MAX; i++) writeFileSync(join(folder, `a${1e5 + i}.txt`), "");
    await writeImageFile(memoryImage(vectorData(100), plainFields), join(folder, "pump.mdy"));
    const repository = await openDirectoryRepository(folder);
    const { images, skipped } = await repository.list();
    expect(images).toEqual([]);
    expect(skipped).toHaveLength(REPOSITORY_FILES_MAX + 1);
    expect(skipped.at(-2)).toMatchObject({ fileName: "a104095.txt", code: "image-foreign" });
    expect(skipped.at(-1)).toMatchObject({ fileName: "pump.mdy", code: "repo-too-many" });
    rmSync(join(folder, "a100000.txt"));
    expect((await repository.list()).images).toHaveLength(1);
  });
});
