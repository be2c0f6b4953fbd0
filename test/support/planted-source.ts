import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A change of the source that puts a defect in. */
export interface Edit {
  /** From `src/` on. */
  readonly path: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** A copy of `src/` with these edits, in a temporary folder. Throws if a text is not found exactly once. */
export function plantedSource(edits: readonly Edit[]): {
  /** The address of a module of the copy. */
  url(path: string): string;
  drop(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), "mayday-planted-"));
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const { path, from, to } of edits) {
    const file = join(folder, "src", path);
    const parts = readFileSync(file, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`${path} has this ${parts.length - 1} times: ${from}`);
    writeFileSync(file, parts.join(to));
  }
  return {
    url: (path) => pathToFileURL(join(folder, "src", path)).href,
    drop: () => rmSync(folder, { recursive: true, force: true }),
  };
}
