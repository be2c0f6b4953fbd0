// What is shipped: one table for the matrix, the sizes, and firmware-stubs/CMakePresets.json, which
// `node scripts/firmware/configurations.mjs` writes (--check compares).
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PRESETS = new URL("../../firmware-stubs/CMakePresets.json", import.meta.url);

/** Slots of 4 MiB at most, and 8 open blocks. */
const SMALLER = { MAYDAY_TREE_LEVELS_MAX: 12, MAYDAY_OPEN_BLOCKS_MAX: 8 };

/** Macros of include/mayday/config.h; what is not named has its default. `libraries`: the parts that are built. */
export const CONFIGURATIONS = {
  "single-small": {
    about: "One slot, no quarantine, small write units and buffers: for 8 KiB of RAM",
    libraries: ["target"],
    macros: {
      MAYDAY_WITH_AB: 0,
      MAYDAY_WITH_QUARANTINE: 0,
      MAYDAY_WITH_RECORD_MANIFESTS: 0,
      MAYDAY_WRITE_UNIT_MAX: 32,
      MAYDAY_TREE_LEVELS_MAX: 12,
      MAYDAY_OPEN_BLOCKS_MAX: 1,
      MAYDAY_TX_BYTES: 128,
    },
  },
  single: {
    about: "One slot, manifests in sectors of their own",
    libraries: ["target"],
    macros: {
      MAYDAY_WITH_AB: 0,
      MAYDAY_WITH_QUARANTINE: 0,
      MAYDAY_WITH_RECORD_MANIFESTS: 0,
      ...SMALLER,
    },
  },
  ab: { about: "Two slots", libraries: ["target"], macros: SMALLER },
  "ab-link-key": {
    about: "Two slots, and a secret of both ends of a link",
    libraries: ["target"],
    macros: { MAYDAY_WITH_LINK_KEY: 1, ...SMALLER },
  },
  "ab-fec": {
    about: "Two slots, and the second form of frames, which mends wrong bytes",
    libraries: ["target"],
    macros: { MAYDAY_WITH_FEC: 1, ...SMALLER },
  },
  rescuer: { about: "A rescuer only", libraries: ["rescuer"], macros: {} },
  "rescuer-fec": {
    about: "A rescuer with the second form of frames",
    libraries: ["rescuer"],
    macros: { MAYDAY_WITH_FEC: 1 },
  },
  all: {
    about: "All there is",
    libraries: ["target", "rescuer"],
    macros: { MAYDAY_WITH_LINK_KEY: 1, MAYDAY_WITH_FEC: 1, MAYDAY_SECTOR_BITS: 32 },
  },
};

/** `NAME=value` of each macro. */
export function macrosOf(name) {
  return Object.entries(CONFIGURATIONS[name].macros).map(([macro, value]) => `${macro}=${value}`);
}

/** `-DNAME=value` for a compiler or for CMake. */
export function definesOf(name) {
  return macrosOf(name).map((macro) => `-D${macro}`);
}

function presets() {
  const configurePresets = Object.entries(CONFIGURATIONS).map(([name, { about, macros }]) => ({
    name,
    description: about,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CMake fills it in
    binaryDir: "${sourceDir}/build/${presetName}",
    cacheVariables: Object.fromEntries(
      Object.entries(macros).map(([macro, value]) => [
        macro,
        macro.includes("_WITH_") ? (value === 1 ? "ON" : "OFF") : String(value),
      ]),
    ),
  }));
  const buildPresets = configurePresets.map(({ name }) => ({ name, configurePreset: name }));
  return `${JSON.stringify({ version: 6, configurePresets, buildPresets }, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) writeFileSync(PRESETS, presets());
  else if (readFileSync(PRESETS, "utf8") !== presets()) {
    process.stderr.write(
      "CMakePresets.json differs from scripts/firmware/configurations.mjs, which writes it\n",
    );
    process.exitCode = 1;
  }
}
