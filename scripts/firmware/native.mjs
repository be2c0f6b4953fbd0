// Builds and runs the native tests of firmware-stubs/tests in one variant: word size, compiler, sanitizers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { definesOf } from "./configurations.mjs";
import { BUILD, ROOT, STUBS } from "./sources.mjs";

export const COMPILERS = ["gcc", "clang"];
export const WORDS = [32, 64];

const NATIVE = join(BUILD, "native");
const SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer";
/** Debian packages of commands that are not named after them. */
const PACKAGES = {
  "arm-none-eabi-gcc": "gcc-arm-none-eabi and libnewlib-arm-none-eabi",
  "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
  "avr-gcc": "gcc-avr and avr-libc",
  "frama-c": "frama-c-base",
};

/** @returns {{ name: string, cFlags: string }} */
export function variantOf(compiler, word, isSanitized) {
  const cFlags = [`-m${word}`, isSanitized ? `-O1 -g ${SANITIZERS}` : "-O2"].join(" ");
  return { name: `${compiler}-${word}${isSanitized ? "-sanitized" : ""}`, compiler, cFlags };
}

/** Runs a program to its end. @returns what it printed; throws with it when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (result.error?.code === "ENOENT")
    throw new Error(`no ${command}: install ${PACKAGES[command] ?? command}`);
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  const told = `${result.stdout}${result.stderr}`.replace(/^\[ *\d+%\] .*\n/gm, "");
  if (result.status !== 0) {
    const how = result.signal ?? `exit code ${result.status}`;
    throw new Error(`${command} ... ${args.slice(-3).join(" ")}: ${how}\n${told.slice(-6000)}`);
  }
  return told;
}

/** Configures and builds; nothing is done again that is up to date. @returns the folder. */
export function build({ name, compiler, cFlags }, configuration = "all") {
  const folder = join(NATIVE, `${name}-${configuration}`);
  mkdirSync(folder, { recursive: true });
  const settings = [
    `-DCMAKE_C_COMPILER=${compiler}`,
    `-DCMAKE_C_FLAGS=${cFlags}`,
    "-DCMAKE_BUILD_TYPE=None",
    "-DMAYDAY_STRICT=ON",
    "-DMAYDAY_BUILD_POSIX=OFF",
    `-DMAYDAY_VECTORS=${join(ROOT, "vectors")}`,
    ...libsodiumSetting(),
    ...definesOf(configuration),
  ];
  run("cmake", ["-S", STUBS, "-B", folder, ...settings]);
  run("cmake", ["--build", folder, "-j", "2"]);
  return folder;
}

/** For CMake: libsodium's source, if an earlier build has fetched it. */
export function libsodiumSetting() {
  const builds = existsSync(NATIVE) ? readdirSync(NATIVE) : [];
  const sources = builds.map((name) => join(NATIVE, name, "libsodium/libsodium-1.0.18"));
  return sources
    .filter((source) => existsSync(source))
    .map((source) => `-DMAYDAY_LIBSODIUM_SOURCE=${source}`)
    .slice(0, 1);
}

/** Runs all tests; `isPart`: those that were built. @returns {{ test: string, checks: number, failed: number, told: string }[]} */
export function runTests(folder, isPart = false) {
  const all = readdirSync(join(STUBS, "tests")).filter((name) => /^test_.*\.c$/.test(name));
  const sources = all.filter((name) => !isPart || existsSync(join(folder, name.replace(/\.c$/, ""))));
  if (sources.length === 0) throw new Error("firmware-stubs/tests has no test_*.c");
  return sources.map((source) => {
    const test = source.replace(/\.c$/, "");
    // Tests keep what they read of the vectors; the library itself has no heap.
    const env = {
      ...process.env,
      ASAN_OPTIONS: "detect_leaks=0:detect_stack_use_after_return=1",
      UBSAN_OPTIONS: "print_stacktrace=1",
    };
    const result = spawnSync(join(folder, test), [join(ROOT, "vectors")], {
      encoding: "utf8",
      env,
      maxBuffer: 1 << 28,
    });
    const told = result.error ? result.error.message : `${result.stdout}${result.stderr}`;
    const counts = [...told.matchAll(/: (\d+) checks, (\d+) failed$/gm)];
    const checks = counts.reduce((sum, [, n]) => sum + Number(n), 0);
    const failed = counts.reduce((sum, [, , n]) => sum + Number(n), 0);
    const isRight = result.status === 0 && checks > 0;
    return { test, checks, failed: isRight ? failed : Math.max(1, failed), told };
  });
}
