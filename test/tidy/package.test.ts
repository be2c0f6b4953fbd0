import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

/** Most bytes of the package, packed. */
const PACKED_MAX = 2_000_000;

interface Packed {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;
let paths: ReadonlySet<string>;
beforeAll(async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    maxBuffer: 16 * 1024 * 1024,
  });
  [packed] = JSON.parse(stdout) as [Packed];
  paths = new Set(packed.files.map(({ path }) => path));
});

/** Relative targets of the links of a page, without their anchors. */
function linksOf(page: string): string[] {
  const targets = [...page.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Modules of ours that a module imports; of types, their declarations. */
function importsOf(path: string, code: string): string[] {
  const found = [...code.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+\.(?:js|ts))"/g)];
  const modules = found.map(([, target = ""]) => posix.join(posix.dirname(path), target));
  return path.endsWith(".d.ts") ? modules.map((one) => one.replace(/(?:\.d)?\.[jt]s$/, ".d.ts")) : modules;
}

describe("the package", () => {
  it("has what README.md links to", async () => {
    const links = linksOf(await readFile("README.md", "utf8"));
    expect(links.length).toBeGreaterThan(20);
    const isThere = (target: string): boolean => {
      const path = posix.normalize(target).replace(/\/$/, "");
      return paths.has(path) || [...paths].some((known) => known.startsWith(`${path}/`));
    };
    expect(links.filter((target) => !isThere(target))).toEqual([]);
  });

  it("has the program and both entries, and no source maps, tests or tools", () => {
    for (const path of ["dist/cli/main.js", "dist/index.js", "dist/index.d.ts", "dist/browser.js"])
      expect(paths).toContain(path);
    const strange = [...paths].filter((path) => /\.map$|^src\/|^lab\/|^scripts\/|\.test\./.test(path));
    expect(strange).toEqual([]);
  });

  it("has every module that the program, the entries and their types import", async () => {
    const seen = new Set<string>();
    const todo = [
      "dist/cli/main.js",
      "dist/cli/app.js",
      "dist/index.js",
      "dist/index.d.ts",
      "dist/browser.js",
      "dist/browser.d.ts",
    ];
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      todo.push(...importsOf(path, await readFile(path, "utf8")));
    }
    expect(seen.size).toBeGreaterThan(400);
    expect([...seen].filter((path) => !paths.has(path))).toEqual([]);
  });

  it("is not larger than its bound", () => {
    expect(packed.size).toBeLessThan(PACKED_MAX);
  });
});
