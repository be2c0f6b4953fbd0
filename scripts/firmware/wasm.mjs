#!/usr/bin/env node
// Compiles the C side to modules of WebAssembly, so that it runs in one process with the TypeScript side, on one virtual clock and
// over one flash model: firmware-stubs/tests/wasm/NAME.c and what it needs become build/firmware/NAME.wasm.
//
//   node scripts/firmware/wasm.mjs NAME...
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const STUBS = `${ROOT}firmware-stubs/`;
const OUT = `${ROOT}build/firmware/`;
const FLAGS = ["--target=wasm32", "-std=c99", "-O2", "-nostdlib", "-ffreestanding", "-fno-builtin", "-Wall", "-Wextra", "-Werror"];

/** The library's sources, of both roles. */
function sources() {
  const lists = readFileSync(`${STUBS}cmake/sources.cmake`, "utf8");
  return [...lists.matchAll(/^ {2}(src\/\S+\.c)$/gm)].map(([, path]) => `${STUBS}${path}`);
}

/** The path of the module that was built. Throws when clang or its linker are missing, or find a fault. */
export function buildModule(name) {
  mkdirSync(OUT, { recursive: true });
  const out = `${OUT}${name}.wasm`;
  const own = [`${STUBS}tests/wasm/${name}.c`, `${STUBS}tests/wasm/libc.c`];
  const include = [`-I${STUBS}include`, `-I${STUBS}src`, `-I${STUBS}tests/wasm`, `-isystem${STUBS}tests/wasm/include`];
  const link = ["-Wl,--no-entry", "-Wl,--gc-sections", "-Wl,-z,stack-size=65536"];
  const args = [...FLAGS, ...include, ...own, ...sources(), ...link, "-o", out];
  const { status, stderr, error } = spawnSync("clang", args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`clang: ${error.message}. Install clang and lld.`);
  if (status !== 0) throw new Error(`clang could not build ${name}.wasm:\n${stderr}`);
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  if (names.length === 0) throw new Error("which modules? For instance: target");
  for (const name of names) process.stdout.write(`${buildModule(name)}\n`);
}
