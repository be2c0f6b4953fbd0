// Compiles the configurations for microcontrollers: objects, their sizes and their symbols.
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { definesOf } from "./configurations.mjs";
import { run } from "./native.mjs";
import { BUILD, INCLUDES, STUBS, sourcesOf, WARNINGS } from "./sources.mjs";

const FLAGS = ["-Os", "-ffunction-sections", "-fdata-sections"];

/** What is compiled for; AVR has an `int` of 16 bits. */
export const MACHINES = {
  "cortex-m0plus": { prefix: "arm-none-eabi-", flags: ["-mcpu=cortex-m0plus", "-mthumb"] },
  "cortex-m3": { prefix: "arm-none-eabi-", flags: ["-mcpu=cortex-m3", "-mthumb"] },
  rv32imac: {
    prefix: "riscv64-unknown-elf-",
    flags: ["-march=rv32imac", "-mabi=ilp32", "-ffreestanding", `-I${STUBS}/tests/freestanding`],
  },
  atmega2560: { prefix: "avr-", flags: ["-mmcu=atmega2560"] },
};

/** Only what libc has everywhere; helpers of compilers begin with two underscores. */
const LIBC = ["memcpy", "memset", "memmove", "memcmp"];

/** Compiles each source. @returns the objects, by source. */
export function compile(machine, configuration, extra = [], sources = sourcesOf(configuration)) {
  const { prefix, flags } = MACHINES[machine];
  const folder = join(BUILD, "cross", `${machine}-${configuration}${extra.length > 0 ? "-measured" : ""}`);
  mkdirSync(folder, { recursive: true });
  const objects = new Map();
  for (const source of sources) {
    const object = join(folder, `${source.replace(/\//g, "_").replace(/\.c$/, "")}.o`);
    const args = [...WARNINGS, ...flags, ...FLAGS, ...INCLUDES, ...definesOf(configuration), ...extra];
    run(`${prefix}gcc`, [...args, "-c", join(STUBS, source), "-o", object], { cwd: folder });
    objects.set(source, object);
  }
  return objects;
}

/** Bytes of code and constants, of initialised and of other variables. */
export function sizeOf(machine, objects) {
  const told = run(`${MACHINES[machine].prefix}size`, ["-B", ...objects]);
  const rows = told
    .split("\n")
    .slice(1)
    .filter((line) => line.trim() !== "");
  const sums = { text: 0, data: 0, bss: 0 };
  for (const row of rows) {
    const [text, data, bss] = row.trim().split(/\s+/).map(Number);
    sums.text += text;
    sums.data += data;
    sums.bss += bss;
  }
  return sums;
}

/** Sentences about symbols that should not be there: foreign names, heap, variables. */
export function wrongSymbols(machine, objects) {
  const wrong = [];
  let looked = 0;
  for (const object of objects) {
    const told = run(`${MACHINES[machine].prefix}nm`, ["-g", object]);
    const all = run(`${MACHINES[machine].prefix}nm`, [object]);
    for (const line of told.split("\n")) {
      const [, kind, name] = /^[0-9a-f ]* ([A-Za-z]) (\S+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      looked++;
      const isForeign = kind === "U" && !LIBC.includes(name) && !/^(mayday_|__)/.test(name);
      const isUnnamed = kind !== "U" && !name.startsWith("mayday_");
      if (isForeign)
        wrong.push(`${basename(object)} needs ${name}, which is neither mayday's nor one of ${LIBC}`);
      if (isUnnamed) wrong.push(`${basename(object)} exports ${name}, which does not begin with mayday_`);
    }
    for (const [, kind, name] of all.matchAll(/ ([bBdDcC]) (\S+)$/gm))
      wrong.push(`${basename(object)} has the variable ${name} (${kind})`);
  }
  if (looked === 0) throw new Error("looked at no symbol");
  return wrong;
}
