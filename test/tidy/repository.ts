import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What the tests of house rules read: the files of this repository. Nothing here may find nothing without a word. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
export const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** The list itself; throws when it is empty, since a rule that looks at nothing holds always. */
export function some<Item>(what: string, items: readonly Item[]): readonly Item[] {
  if (items.length === 0) throw new Error(`looked at nothing: ${what}`);
  return items;
}

/** Every file that git knows or would add, without what it ignores. */
export const TRACKED: readonly string[] = some("git ls-files", trackedFiles());

function trackedFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
  const { stdout, status } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error("the rules of the house need git to list the files");
  return stdout.split("\n").filter((path) => path !== "" && exists(path));
}

/** Tracked files whose path matches; throws when there are none. */
export function files(pattern: RegExp): readonly string[] {
  return some(
    String(pattern),
    TRACKED.filter((path) => pattern.test(path)),
  );
}

/** These tests name what they look for, and so are not looked at themselves. */
const OWN = /^test\/tidy(\/|\.test\.ts$)/;

export const SOURCES: readonly string[] = files(/^src\/.*\.ts$/);
export const TESTS: readonly string[] = files(/^test\/.*\.ts$/).filter((path) => !OWN.test(path));
/** All that people wrote as a program, wherever it lies. */
export const PROGRAMS: readonly string[] = files(/\.(ts|mjs|c|h|sh)$|^\.ci\/run$/).filter(
  (path) => !OWN.test(path),
);
/** All documents but the output of runs. */
export const DOCS: readonly string[] = files(/\.md$/).filter(
  (path) => !path.startsWith("docs/evidence/") && path !== "test/session/survival-table.md",
);
/** Folders that hold programs. A new one is looked at from its first file on; one that has gone is missed here. */
export const PROGRAM_FOLDERS = [
  ".ci",
  "bench",
  "examples",
  "firmware-stubs",
  "hw-loopback",
  "lab",
  "scripts",
  "src",
  "test",
] as const;

/** Lines of `paths` that match, as "file:line: text". */
export function hits(paths: readonly string[], pattern: RegExp): string[] {
  return some(String(pattern), paths).flatMap((path) => {
    const lines = read(path).split("\n");
    return lines.flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []));
  });
}

/** A program's text with comments that run over several lines joined. */
export function joined(path: string): string {
  return read(path).replace(/\n\s*(\*|\/\/|#) /g, " ");
}

/** Headings of a document, without their marks. */
export function headingsOf(path: string): string[] {
  return (read(path).match(/^#+ .*$/gm) ?? []).map((line) => line.replace(/^#+ /, ""));
}

/** Lines of a document from the heading with these words up to the next one of its depth or less. */
export function sectionOf(path: string, heading: string): string[] {
  const lines = read(path).split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.includes(heading));
  if (start < 0) throw new Error(`${path} has no section "${heading}"`);
  const depth = lines[start]?.indexOf(" ") ?? 0;
  const end = lines.findIndex((line, i) => i > start && /^#+ /.test(line) && line.indexOf(" ") <= depth);
  return lines.slice(start + 1, end < 0 ? undefined : end);
}
