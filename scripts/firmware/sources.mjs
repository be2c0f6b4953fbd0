// The lists of firmware-stubs/cmake/sources.cmake, and where things lie.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIGURATIONS } from "./configurations.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const STUBS = join(ROOT, "firmware-stubs");
/** Everything that is built, in folders that git ignores. */
export const BUILD = join(ROOT, "build/firmware");

/** Warnings of the project's own code. */
export const WARNINGS = [
  "-std=c99",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-pedantic",
  "-Wconversion",
  "-Wsign-conversion",
];
export const INCLUDES = [`-I${join(STUBS, "include")}`, `-I${join(STUBS, "src")}`];

/** Where the entry points of the fuzzer lie, NAME.c each, and what was kept for them, corpus/NAME. */
export const FUZZ = join(STUBS, "tests/fuzz");

/** Names of the entry points of the fuzzer. */
export function fuzzEntries() {
  const names = readdirSync(FUZZ).flatMap((name) => /^(.*)\.c$/.exec(name)?.[1] ?? []);
  if (names.length === 0) throw new Error("tests/fuzz has no entry point");
  return names;
}

/** Lists by name, without MAYDAY_ and _SOURCES: COMMON, TARGET... */
export function sourceLists() {
  const text = readFileSync(join(STUBS, "cmake/sources.cmake"), "utf8").replace(/#.*/g, "");
  const lists = [...text.matchAll(/set\(MAYDAY_(\w+)_SOURCES\s([^)]*)\)/g)];
  if (lists.length === 0) throw new Error("cmake/sources.cmake has no list");
  return Object.fromEntries(
    lists.map(([, name, body]) => [name, body.split(/\s+/).filter((path) => path !== "")]),
  );
}

/** Paths of what a configuration is built of, from firmware-stubs on. */
export function sourcesOf(configuration) {
  const lists = sourceLists();
  const { libraries, macros } = CONFIGURATIONS[configuration];
  const withKey = macros.MAYDAY_WITH_LINK_KEY === 1 ? lists.LINK_KEY : [];
  const withFec = macros.MAYDAY_WITH_FEC === 1 ? lists.FEC : [];
  const sources = [
    ...lists.COMMON,
    ...withKey,
    ...withFec,
    ...libraries.flatMap((name) => lists[name.toUpperCase()]),
  ];
  if (sources.length === 0) throw new Error(`the configuration ${configuration} has no sources`);
  return sources;
}
