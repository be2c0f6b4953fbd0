import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { REPOSITORY, runVectorScript, VectorFolders } from "../support/vector-scripts.ts";

const COMPUTED = [
  "advice-v1.json",
  "call-v1.json",
  "fec-v1.json",
  "inline-v1.json",
  "have-v1.json",
  "link-v1.json",
  "locator-v1.json",
  "codecs-v1.json",
  "mailbox-v1.json",
  "rate-v1.json",
  "record-v1.json",
  "ring-v1.json",
  "session-v1.json",
  "tree-v1.json",
] as const;

const folders = new VectorFolders();
afterAll(() => folders.dropAll());

describe("the vectors that scripts/vectors computes from PROTOCOL.md sections 2.5, 4 to 7, 10 and 13", () => {
  it("are the files that are kept", () => {
    const { status, text } = runVectorScript(REPOSITORY, "make.py", "--check");
    const [computed, checked] = text.split("\n");
    expect(computed).toBe(`${COMPUTED.length} files are as computed`);
    expect(checked).toMatch(/^\d+ frames are as PROTOCOL\.md says$/);
    expect(status).toBe(0);
  });

  it.each(COMPUTED)("are found to differ when one character of %s does", (name) => {
    let line = 0;
    const folder = folders.copyWith(join("vectors", name), (text) => {
      const at = text.lastIndexOf("1");
      line = text.slice(0, at).split("\n").length;
      return `${text.slice(0, at)}2${text.slice(at + 1)}`;
    });
    const { status, text: said } = runVectorScript(folder, "make.py", "--check");
    expect(status).toBe(1);
    expect(said).toContain(`${name}:${line}\n`);
  });

  it("are found to differ when the manifest of image-manifest.json, which is computed too, has another signature", () => {
    const folder = folders.copyWith("vectors/image-manifest.json", (text) =>
      text.replace('"signature: a67d', '"signature: a67e'),
    );
    expect(runVectorScript(folder, "make.py", "--check")).toEqual({
      status: 1,
      text: `${COMPUTED.length} files are as computed\nimage-manifest.json: the envelope differs (8.2)\n`,
    });
  });

  it("are found to differ when a file is missing", () => {
    const folder = folders.copy();
    rmSync(join(folder, "vectors", "tree-v1.json"));
    expect(runVectorScript(folder, "make.py", "--check")).toEqual({
      status: 1,
      text: "tree-v1.json is missing\n",
    });
  });
});
