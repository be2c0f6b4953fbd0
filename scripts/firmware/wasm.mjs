#!/usr/bin/env node
// Compiles the C side to modules of WebAssembly, so that it runs in one process with the TypeScript side, on one virtual clock and
// over one flash model: firmware-stubs/tests/wasm/NAME.c and what it needs become build/firmware/NAME.wasm.
//
//   node scripts/firmware/wasm.mjs [-DMACRO=VALUE...] NAME...
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const STUBS = `${ROOT}firmware-stubs/`;
const OUT = `${ROOT}build/firmware/`;
const FLAGS = [
  "--target=wasm32",
  "-std=c99",
  "-O2",
  "-nostdlib",
  "-ffreestanding",
  "-fno-builtin",
  "-Wall",
  "-Wextra",
  "-Werror",
];

/** The library's sources, of both roles. */
function sources() {
  const lists = readFileSync(`${STUBS}cmake/sources.cmake`, "utf8");
  return [...lists.matchAll(/^ {2}(src\/\S+\.c)$/gm)].map(([, path]) => `${STUBS}${path}`);
}

/**
 * The path of the module that was built. Throws when clang or its linker are missing, or find a fault. `macros`: of
 * include/mayday/config.h, "MAYDAY_WITH_LINK_KEY=1" for instance; each choice of them is a module of its own.
 */
export function buildModule(name, macros = []) {
  mkdirSync(OUT, { recursive: true });
  const out = `${OUT}${[name, ...macros].join("-").replaceAll("=", "-")}.wasm`;
  // Tests that run beside each other may build the same module: each finds a whole one.
  const unfinished = `${out}.${process.pid}`;
  const own = [`${STUBS}tests/wasm/${name}.c`, `${STUBS}tests/wasm/libc.c`];
  const include = [
    `-I${STUBS}include`,
    `-I${STUBS}src`,
    `-I${STUBS}tests/wasm`,
    `-isystem${STUBS}tests/wasm/include`,
  ];
  const link = ["-Wl,--no-entry", "-Wl,--gc-sections", "-Wl,-z,stack-size=65536"];
  const defines = macros.map((macro) => `-D${macro}`);
  const args = [...FLAGS, ...defines, ...include, ...own, ...sources(), ...link, "-o", unfinished];
  const { status, stderr, error } = spawnSync("clang", args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`clang: ${error.message}. Install clang and lld.`);
  if (status !== 0) throw new Error(`clang could not build ${name}.wasm:\n${stderr}`);
  renameSync(unfinished, out);
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2);
  const macros = given.filter((word) => word.startsWith("-D")).map((word) => word.slice(2));
  const names = given.filter((word) => !word.startsWith("-D"));
  if (names.length === 0) throw new Error("which modules? For instance: target");
  for (const name of names) process.stdout.write(`${buildModule(name, macros)}\n`);
}
