#!/usr/bin/env node
// Compiles the board part of firmware-stubs/ to WebAssembly, with clang and wasm-ld, into build/board.wasm.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDERS = ["base", "image", "flash", "board"];
const COMPILERS = ["clang-14", "clang"];

/** Builds it, and returns the file's path. `define`: macros, as on a compiler's command line. */
export function buildBoard(define = []) {
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(`${ROOT}firmware-stubs/src/${folder}`)
      .filter((name) => name.endsWith(".c"))
      .map((name) => `firmware-stubs/src/${folder}/${name}`),
  );
  const out = "build/board.wasm";
  mkdirSync(`${ROOT}build`, { recursive: true });
  const args = [
    ...["--target=wasm32", "-std=c99", "-O2", "-fno-builtin", "-nostdlib", "-Wall", "-Wextra", "-Werror"],
    ...["-Wl,--no-entry", "-Wl,--gc-sections", "-Wl,-z,stack-size=32768"],
    ...["-Ifirmware-stubs/include", "-Ifirmware-stubs/src", "-Ifirmware-stubs/tests/wasm/include"],
    ...define.map((macro) => `-D${macro}`),
    ...["firmware-stubs/tests/wasm/board.c", ...sources, "-o", out],
  ];
  for (const compiler of COMPILERS) {
    const { status, error } = spawnSync(compiler, args, { cwd: ROOT, stdio: "inherit" });
    if (error?.code === "ENOENT") continue;
    if (status !== 0) throw new Error(`${compiler} did not build ${out}`);
    return ROOT + out;
  }
  throw new Error(`none of ${COMPILERS.join(", ")} is installed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${buildBoard()}\n`);
