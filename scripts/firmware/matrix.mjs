#!/usr/bin/env node
// The native tests in {32, 64 bit} x {gcc, clang} x {plain, sanitizers}, all configurations for all machines, and cppcheck.
// `--only WORD` leaves out the lines whose name has no such word. The last line is `N checks, M failed`.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { CONFIGURATIONS, definesOf } from "./configurations.mjs";
import { compile, MACHINES, sizeOf, wrongSymbols } from "./cross.mjs";
import { build, COMPILERS, libsodiumSetting, run, runTests, variantOf, WORDS } from "./native.mjs";
import { BUILD, INCLUDES, STUBS, sourcesOf } from "./sources.mjs";

const at = process.argv.indexOf("--only");
const only = at < 0 ? "" : process.argv[at + 1];
let checked = 0;
let failed = 0;

function print(line) {
  process.stdout.write(`${line}\n`);
}

/** Does one line of the matrix, and says how it went; what it throws is a failure. */
function line(name, check) {
  if (!name.includes(only)) return;
  try {
    const { checks, wrong, told } = check();
    checked += checks;
    failed += wrong.length;
    print(`${wrong.length === 0 ? "right" : "WRONG"}  ${name.padEnd(36)} ${told}`);
    for (const sentence of wrong) print(`       ${sentence}`);
  } catch (error) {
    failed++;
    print(`WRONG  ${name}\n${error.message}`);
  }
}

/** `configuration`: all unless given; then tests of what it does not have are left out. */
function native(compiler, word, isSanitized, configuration) {
  const variant = variantOf(compiler, word, isSanitized);
  line(`native ${[variant.name, configuration].filter(Boolean).join(" ")}`, () => {
    const results = runTests(build(variant, configuration), configuration !== undefined);
    const checks = results.reduce((sum, result) => sum + result.checks, 0);
    const wrong = results
      .filter((result) => result.failed > 0)
      .map(({ test, told }) => `${test}:\n${told.slice(-3000)}`);
    return { checks, wrong, told: `${results.length} programs, ${checks} checks` };
  });
}

for (const compiler of COMPILERS)
  for (const word of WORDS) for (const isSanitized of [false, true]) native(compiler, word, isSanitized);

native("clang", 64, true, "ab");
native("clang", 64, true, "ab-fec");

for (const machine of Object.keys(MACHINES))
  for (const configuration of Object.keys(CONFIGURATIONS))
    line(`${machine} ${configuration}`, () => {
      const objects = [...compile(machine, configuration).values()];
      const { text, data, bss } = sizeOf(machine, objects);
      const told = `${objects.length} files, ${text} bytes of code and constants`;
      const variables =
        data + bss > 0 && machine !== "atmega2560" ? [`${data + bss} bytes of variables`] : [];
      const symbols = machine === "atmega2560" ? [] : wrongSymbols(machine, objects);
      return { checks: objects.length, wrong: [...variables, ...symbols], told };
    });

line("cmake package", () => {
  const folder = join(BUILD, "package");
  const settings = ["-DMAYDAY_BUILD_TESTS=OFF", "-DMAYDAY_STRICT=ON", ...libsodiumSetting()];
  run("cmake", ["-S", STUBS, "-B", join(folder, "build"), ...settings]);
  run("cmake", ["--build", join(folder, "build"), "-j", "2"]);
  run("cmake", ["--install", join(folder, "build"), "--prefix", join(folder, "installed")]);
  const user = join(STUBS, "tests/package");
  run("cmake", ["-S", user, "-B", join(folder, "user"), `-DCMAKE_PREFIX_PATH=${join(folder, "installed")}`]);
  run("cmake", ["--build", join(folder, "user")]);
  const file = run("file", [join(folder, "build/mayday-posix")]);
  const wrong = file.includes("statically linked") ? [] : [`mayday-posix is not static: ${file}`];
  return { checks: 2, wrong, told: "find_package(mayday) finds what was installed; mayday-posix is static" };
});

line("cmake without apt-get", () => {
  const folder = join(BUILD, "without");
  rmSync(folder, { recursive: true, force: true });
  const args = [
    "-S",
    STUBS,
    "-B",
    folder,
    "-DMAYDAY_APT_GET=MAYDAY_APT_GET-NOTFOUND",
    "-DCMAKE_PROGRAM_PATH=/",
    "-DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF",
    "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF",
    "-DCMAKE_C_COMPILER=/usr/bin/gcc",
    "-DCMAKE_MAKE_PROGRAM=/usr/bin/make",
  ];
  const { status, stderr } = spawnSync("cmake", args, { encoding: "utf8" });
  const said = stderr.replace(/\s+/g, " ");
  const isRight = status !== 0 && said.includes("-DMAYDAY_SIGNATURE=hook");
  return {
    checks: 1,
    wrong: isRight ? [] : [`it says: ${stderr}`],
    told: "fails with a sentence that says what to do",
  };
});

line("cppcheck", () => {
  const sources = sourcesOf("all").map((source) => join(STUBS, source));
  const rules = [
    "--enable=warning,portability,performance",
    "--error-exitcode=1",
    "--inline-suppr",
    "--quiet",
    "-D__GNUC__=12",
  ];
  for (const configuration of ["single-small", "all"])
    run("cppcheck", ["--std=c99", ...rules, ...INCLUDES, ...definesOf(configuration), ...sources]);
  return { checks: sources.length, wrong: [], told: `${sources.length} files` };
});

print(`${checked} checks, ${failed} failed`);
process.exitCode = checked > 0 && failed === 0 ? 0 : 1;
