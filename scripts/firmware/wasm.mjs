#!/usr/bin/env node
// Compiles the C side to modules of WebAssembly, so that it runs in one process with the TypeScript side, on one virtual clock and
// over one flash model: firmware-stubs/tests/wasm/NAME.c and what it needs become build/firmware/NAME-HASH.wasm. The hash is that
// of all that goes in, so that a module is compiled once.
//
//   node scripts/firmware/wasm.mjs [-DMACRO=VALUE...] NAME...
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
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
  "-mbulk-memory",
  "-Wall",
  "-Wextra",
  "-Werror",
];
const LINK = ["-Wl,--no-entry", "-Wl,--gc-sections", "-Wl,-z,stack-size=65536"];
const INPUTS = ["include", "src", "tests/wasm"];

/** The library's sources, of both roles. */
function sources() {
  const lists = readFileSync(`${STUBS}cmake/sources.cmake`, "utf8");
  return [...lists.matchAll(/^ {2}(src\/\S+\.c)$/gm)].map(([, path]) => `${STUBS}${path}`);
}

function hashOf(flags) {
  const hash = createHash("sha256").update(flags.join(" "));
  for (const folder of INPUTS) {
    const files = readdirSync(`${STUBS}${folder}`, { recursive: true })
      .map(String)
      .filter((file) => /\.[ch]$/.test(file));
    for (const file of files.toSorted()) hash.update(file).update(readFileSync(`${STUBS}${folder}/${file}`));
  }
  return hash.digest("hex").slice(0, 12);
}

/**
 * The path of the module, which is compiled unless it is there. `defines` are macros of the configuration, `NAME=value` each.
 * Throws when clang or its linker are missing, or find a fault.
 */
export function buildModule(name, defines = []) {
  const flags = [...FLAGS, ...defines.map((define) => `-D${define}`)];
  const out = `${OUT}${name}-${hashOf(flags)}.wasm`;
  if (existsSync(out)) return out;
  mkdirSync(OUT, { recursive: true });
  const own = [`${STUBS}tests/wasm/${name}.c`, `${STUBS}tests/wasm/libc.c`];
  const include = [
    `-I${STUBS}include`,
    `-I${STUBS}src`,
    `-I${STUBS}tests/wasm`,
    `-isystem${STUBS}tests/wasm/include`,
  ];
  const unfinished = `${out}.${process.pid}`;
  const args = [...flags, ...include, ...own, ...sources(), ...LINK, "-o", unfinished];
  const { status, stderr, error } = spawnSync("clang", args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`clang: ${error.message}. Install clang and lld.`);
  if (status !== 0) throw new Error(`clang could not build ${name}.wasm:\n${stderr}`);
  renameSync(unfinished, out);
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2);
  const defines = given.filter((word) => word.startsWith("-D")).map((word) => word.slice(2));
  const names = given.filter((word) => !word.startsWith("-D"));
  if (names.length === 0) throw new Error("which modules? For instance: target");
  for (const name of names) process.stdout.write(`${buildModule(name, defines)}\n`);
}
