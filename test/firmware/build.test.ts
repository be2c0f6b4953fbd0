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
/** Macros that a build may set, with their defaults. */
const OPEN_MACROS = [...HEADERS.matchAll(/^#ifndef (MAYDAY_\w+)\n#define \1 (\d+)$/gm)].map(
  ([, name = "", value]): [string, number] => [name, Number(value)],
);

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
    const wanted = OPEN_MACROS;
    const switches = [...OPTIONS.matchAll(/^option\((MAYDAY_WITH_\w+) ".*" (ON|OFF)\)$/gm)];
    const sizes = [
      ...OPTIONS.matchAll(/^set\((MAYDAY_\w+) (\d+) CACHE STRING/gm),
      ...OPTIONS.matchAll(/^set\((MAYDAY_\w+) "" CACHE STRING ".*; (\d+) where this is empty"\)$/gm),
    ];
    const given = [
      ...switches.map(([, name, value]) => [name, value === "ON" ? 1 : 0]),
      ...sizes.map(([, name, value]) => [name, Number(value)]),
    ];
    expect(wanted.length).toBeGreaterThan(12);
    expect(given.sort()).toEqual(wanted.sort());
    // Each is handed to the compiler.
    const lists = [...OPTIONS.matchAll(/^set\(MAYDAY_(?:FEATURES|SIZES|RESCUER_SIZES)\n([^)]*)\)/gm)];
    const handed = lists.flatMap(([, body = ""]) => body.trim().split(/\s+/));
    expect(handed.sort()).toEqual(wanted.map(([name]) => name).sort());
  });

  it("has the presets of the table of configurations (node scripts/firmware/configurations.mjs writes them)", () => {
    const args = [join(ROOT, "scripts/firmware/configurations.mjs"), "--check"];
    expect(spawnSync("node", args, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it("has the version of the package", () => {
    expect(read("firmware-stubs/CMakeLists.txt")).toContain(`project(mayday VERSION ${version} `);
  });
});

interface PlatformIo {
  readonly version: string;
  readonly headers: readonly string[];
  readonly build: {
    readonly includeDir: string;
    readonly srcDir: string;
    readonly srcFilter: readonly string[];
  };
  readonly export: { readonly include: readonly string[] };
  readonly examples: readonly { readonly base: string; readonly files: readonly string[] }[];
}

const isThere = (path: string): boolean => exists(`firmware-stubs/${path}`);
const missing = (what: string, paths: readonly string[]): string[] =>
  some(what, paths).filter((path) => !isThere(path));
const { version } = JSON.parse(read("package.json")) as { readonly version: string };

describe("the manifest for PlatformIO", () => {
  const manifest = JSON.parse(read("firmware-stubs/library.json")) as PlatformIo;

  it("has the version of the package", () => {
    expect(manifest.version).toBe(version);
  });

  it("lists headers, folders and examples that exist", () => {
    const headers = manifest.headers.map((path) => `${manifest.build.includeDir}/${path}`);
    const examples = manifest.examples.flatMap(({ base, files: names }) =>
      names.map((path) => `${base}/${path}`),
    );
    const listed = [...headers, ...some("examples", examples), ...manifest.export.include];
    expect(missing("paths of library.json", listed)).toEqual([]);
  });

  it("builds every folder of src, and exports what it builds", () => {
    const built = manifest.build.srcFilter.map((filter) => filter.replace(/^\+<(.*)\/>$/, "$1"));
    const folders = inStubs(/^firmware-stubs\/src\/.*\.c$/).map((path) => path.split("/")[1] ?? "");
    expect(built.sort()).toEqual([...new Set(folders)].sort());
    expect(manifest.export.include).toEqual(expect.arrayContaining(["include", "src", "library.json"]));
  });
});

/** `key: value` pairs and list items of a small YAML file, which has nothing else but comments. */
function yaml(path: string): {
  readonly pairs: ReadonlyMap<string, string>;
  readonly items: readonly string[];
} {
  const lines = read(`firmware-stubs/${path}`)
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  const unquoted = (text: string): string => text.replace(/^"(.*)"$/, "$1");
  const pairs = lines.flatMap((line): [string, string][] => {
    const [, key, value] = /^ *([\w-]+):(?: (.+))?$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, unquoted(value ?? "")]];
  });
  const items = lines.flatMap((line) => {
    const [, item] = /^ *- (.+)$/.exec(line) ?? [];
    return item === undefined ? [] : [unquoted(item)];
  });
  expect(pairs.length + items.length).toBe(lines.length);
  return { pairs: new Map(pairs), items };
}

describe("the manifest for ESP-IDF", () => {
  it("parses, has the version, and leaves out only what is there", () => {
    const { pairs, items } = yaml("idf_component.yml");
    expect(pairs.get("version")).toBe(version);
    const folders = items.map((pattern) => pattern.replace(/\*.*$/, ""));
    const known = inStubs(/^firmware-stubs\//);
    expect(
      some("patterns", folders).filter((start) => !known.some((path) => path.startsWith(start))),
    ).toEqual([]);
  });
});

describe("the manifest for Zephyr", () => {
  it("parses, and names folders and files that exist", () => {
    const { pairs } = yaml("zephyr/module.yml");
    expect(pairs.get("name")).toBe("mayday");
    const paths = [`${pairs.get("cmake")}/CMakeLists.txt`, pairs.get("kconfig") ?? ""];
    expect(missing("paths of module.yml", paths)).toEqual([]);
  });
});

describe("the CMake files of the packages", () => {
  it.each(["zephyr/CMakeLists.txt", "ports/esp-idf/component.cmake", "Kconfig.cmake"])(
    "%s takes its sources from the common list, or names none",
    (path) => {
      const named = read(`firmware-stubs/${path}`).match(/\bsrc\/[\w/]+\.c\b/g) ?? [];
      expect(named).toEqual([]);
    },
  );

  it("have a setting of Kconfig for each macro that headers leave open, with the same default", () => {
    const settings = [
      ...read("firmware-stubs/Kconfig").matchAll(/^config (\w+)\n +(?:bool|int) .*\n +default (\w+)$/gm),
    ];
    const given = settings.map(([, name, value = ""]) => [
      name,
      value === "y" ? 1 : value === "n" ? 0 : Number(value),
    ]);
    expect(given.sort()).toEqual(OPEN_MACROS.sort());
  });
});
