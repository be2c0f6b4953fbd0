import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exists, files, ROOT, read, some } from "../tidy/repository.ts";

const { sourceLists } = (await import(
  new URL("../../scripts/firmware/sources.mjs", import.meta.url).href
)) as {
  sourceLists(): Readonly<Record<string, readonly string[]>>;
};
const LISTS = sourceLists();
const OPTIONS = read("firmware-stubs/cmake/options.cmake");
const HEADERS = files(/^firmware-stubs\/(include|src)\/.*\.h$/)
  .map(read)
  .join("\n");

const inStubs = (pattern: RegExp): readonly string[] =>
  files(pattern).map((path) => path.replace(/^firmware-stubs\//, ""));

describe("the CMake build of the C side", () => {
  it("lists each source once, and all that there are", () => {
    const { POSIX = [], ...libraries } = LISTS;
    const listed = Object.values(libraries).flat();
    expect([...listed].sort()).toEqual([...inStubs(/^firmware-stubs\/src\/.*\.c$/)].sort());
    expect([...POSIX].sort()).toEqual([...inStubs(/^firmware-stubs\/ports\/posix\/.*\.c$/)].sort());
  });

  it("has an option for each macro that headers leave open, with the same default", () => {
    const macros = [...HEADERS.matchAll(/^#ifndef (MAYDAY_\w+)\n#define \1 (\d+)$/gm)];
    const wanted = macros.map(([, name, value]) => [name, Number(value)]);
    const switches = [...OPTIONS.matchAll(/^option\((MAYDAY_WITH_\w+) ".*" (ON|OFF)\)$/gm)];
    const sizes = [...OPTIONS.matchAll(/^set\((MAYDAY_\w+) (\d+) CACHE STRING/gm)];
    const given = [
      ...switches.map(([, name, value]) => [name, value === "ON" ? 1 : 0]),
      ...sizes.map(([, name, value]) => [name, Number(value)]),
    ];
    expect(wanted.length).toBeGreaterThan(12);
    expect(given.sort()).toEqual(wanted.sort());
    // Each is handed to the compiler.
    const lists = [...OPTIONS.matchAll(/^set\(MAYDAY_(?:FEATURES|SIZES)\n([^)]*)\)/gm)];
    const handed = lists.flatMap(([, body = ""]) => body.trim().split(/\s+/));
    expect(handed.sort()).toEqual(wanted.map(([name]) => name).sort());
  });

  it("has the presets of the table of configurations (node scripts/firmware/configurations.mjs writes them)", () => {
    const args = [join(ROOT, "scripts/firmware/configurations.mjs"), "--check"];
    expect(spawnSync("node", args, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it("has the version of the package", () => {
    const { version } = JSON.parse(read("package.json")) as { readonly version: string };
    expect(read("firmware-stubs/CMakeLists.txt")).toContain(`project(mayday VERSION ${version} `);
  });
});

/** Paths between quotes or behind a dash that look like files or folders of the package. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/[\w.-]+(?:\/[\w.-]+)+\/?|\b[\w-]+\.(?:c|h|md|txt|json|yml)\b/g)].map(
    ([path]) => path,
  );
}

describe("the manifests of packages for firmware", () => {
  it("of PlatformIO parses, has the version, and lists files that exist", () => {
    const manifest = JSON.parse(read("firmware-stubs/library.json")) as Record<string, unknown>;
    expect(manifest["version"]).toBe((JSON.parse(read("package.json")) as { version: string }).version);
    const listed = pathsIn(JSON.stringify([manifest["build"], manifest["examples"], manifest["headers"]]));
    const missing = some("paths of library.json", listed).filter(
      (path) => !["", "include/", "src/"].some((folder) => exists(`firmware-stubs/${folder}${path}`)),
    );
    expect(missing).toEqual([]);
  });
});
