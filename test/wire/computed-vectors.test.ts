import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMPUTED = ["link-v1.json", "mailbox-v1.json", "record-v1.json", "tree-v1.json"] as const;

interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

/** Runs the check in a folder that has scripts/vectors and vectors. Python 3 has to be there. */
function check(folder: string): Outcome {
  const args = ["-B", join(folder, "scripts/vectors/make.py"), "--check"];
  const { status, stdout, stderr, error } = spawnSync("python3", args, { encoding: "utf8" });
  if (error !== undefined) throw new Error("python3 cannot be run: install it", { cause: error });
  return { status, text: stdout + stderr };
}

describe("the vectors that scripts/vectors computes from PROTOCOL.md sections 4, 7, 10 and 13", () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const copied = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "mayday-vectors-"));
    folders.push(folder);
    mkdirSync(join(folder, "vectors"));
    cpSync(join(ROOT, "scripts/vectors"), join(folder, "scripts/vectors"), { recursive: true });
    for (const name of readdirSync(join(ROOT, "vectors")).filter((file) => file.endsWith(".json")))
      cpSync(join(ROOT, "vectors", name), join(folder, "vectors", name));
    return folder;
  };

  it("are the files that are kept", () => {
    expect(check(ROOT)).toEqual({ status: 0, text: `${COMPUTED.length} files are as computed\n` });
  });

  it.each(COMPUTED)("are found to differ when one character of %s does", (name) => {
    const folder = copied();
    const path = join(folder, "vectors", name);
    const text = readFileSync(path, "utf8");
    const at = text.lastIndexOf("1");
    writeFileSync(path, `${text.slice(0, at)}2${text.slice(at + 1)}`);
    const { status, text: said } = check(folder);
    expect(status).toBe(1);
    const line = text.slice(0, at).split("\n").length;
    expect(said).toContain(`${name}:${line}\n`);
  });

  it("are found to differ when a file is missing", () => {
    const folder = copied();
    rmSync(join(folder, "vectors", "tree-v1.json"));
    expect(check(folder)).toEqual({ status: 1, text: "tree-v1.json is missing\n" });
  });
});
