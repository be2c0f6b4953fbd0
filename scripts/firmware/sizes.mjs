#!/usr/bin/env node
// What a target takes on a Cortex-M3 with -Os: code by part, RAM by context, the deepest stack. MORE: than what was asked for, and no
// more than what was reached. Exit code 1 with OVER: than either. `--files` prints each file of `single`, too.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { definesOf } from "./configurations.mjs";
import { compile, MACHINES, sizeOf } from "./cross.mjs";
import { libsodiumSetting, run } from "./native.mjs";
import { BUILD, INCLUDES, STUBS, sourcesOf } from "./sources.mjs";
import { deepestOf, readGraph } from "./stack.mjs";

const MACHINE = "cortex-m3";
const KIB = 1024;
const FOLDER = join(BUILD, "sizes");

/** Part -> what its sources are named; the first one that matches counts. */
const PARTS = {
  "SHA-256": /^src\/base\/sha256/,
  "link key": /^src\/(base\/hmac|linkkey\/)/,
  "second form": /^src\/(fec\/|link\/forms|session\/hearing)/,
  writer: /^src\/board\/(writer|unit|place|judge)/,
  "boot record": /^src\/(flash|board)\//,
  // The boot decision needs it at each start, with or without a transfer.
  "manifest check": /^src\/image\/(?!tree)/,
  "transfer core": /^src\/(base|wire|link|image|session)\//,
};

/** What was reached where more was asked for: it may not grow again. */
const REACHED = {
  "all of these but SHA-256": 20_400,
};

const rows = [];
/** `bound` is Infinity where none was asked for. */
function row(what, bytes, bound, note = "") {
  rows.push({ what, bytes, bound, note });
}

/** Bytes of each object of a program that was linked with --gc-sections. */
function linked(name, configuration, withEd25519) {
  mkdirSync(FOLDER, { recursive: true });
  const { prefix, flags } = MACHINES[MACHINE];
  const objects = compile(MACHINE, configuration, ["-fstack-usage", "-fcallgraph-info=su"]);
  const library = withEd25519 ? [ed25519()] : [];
  const elf = join(FOLDER, `${name}.elf`);
  const map = join(FOLDER, `${name}.map`);
  run(`${prefix}gcc`, [
    ...flags,
    ...[
      "-Os",
      "-std=c99",
      "-ffunction-sections",
      "-fdata-sections",
      ...INCLUDES,
      ...definesOf(configuration),
    ],
    ...(withEd25519 ? ["-DSIZE_WITH_ED25519"] : []),
    join(STUBS, "tests/size/target.c"),
    ...objects.values(),
    ...library,
    ...[
      "-nostartfiles",
      "--specs=nano.specs",
      "-Wl,--gc-sections",
      "-Wl,-e,main",
      `-Wl,-Map=${map}`,
      "-o",
      elf,
    ],
  ]);
  const sizes = new Map();
  const bySource = new Map([...objects].map(([source, object]) => [basename(object), source]));
  const text = readFileSync(map, "utf8")
    .split("Linker script and memory map")[1]
    .replace(/\n {10,}(?=0x)/g, " ");
  for (const [, size, path] of text.matchAll(
    /^ \.(?:text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S+)/gm,
  )) {
    const file = basename(path);
    const of =
      bySource.get(file) ??
      (path.includes("mayday_ed25519") ? "Ed25519" : /^cc/.test(file) ? "main" : "helpers");
    sizes.set(of, (sizes.get(of) ?? 0) + Number.parseInt(size, 16));
  }
  return { sizes, objects };
}

/** Bytes of the same program when it is linked with -flto, as README.md of firmware-stubs advises: parts cannot be told apart then. */
function wholeWithLto(configuration) {
  const { prefix, flags } = MACHINES[MACHINE];
  const elf = join(FOLDER, "lto.elf");
  const sources = ["tests/size/target.c", ...sourcesOf(configuration)].map((source) => join(STUBS, source));
  const options = [
    "-Os",
    "-flto",
    "-std=c99",
    "-ffunction-sections",
    "-fdata-sections",
    "-DSIZE_WITH_ED25519",
  ];
  const link = ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", "-Wl,-e,main", "-o", elf];
  const library = join(FOLDER, "ed25519", "libmayday_ed25519.a");
  const all = [...flags, ...options, ...INCLUDES, ...definesOf(configuration), ...sources, library, ...link];
  run(`${prefix}gcc`, all);
  const [text] = run(`${prefix}size`, ["-B", elf]).trim().split("\n").at(-1).trim().split(/\s+/);
  return Number(text);
}

/** The library of signatures, from CMake. */
function ed25519() {
  const folder = join(FOLDER, "ed25519");
  const flags = [...MACHINES[MACHINE].flags, "-Os -fstack-usage -fcallgraph-info=su"].join(" ");
  const settings = [
    `-DCMAKE_C_FLAGS=${flags}`,
    "-DCMAKE_BUILD_TYPE=None",
    "-DMAYDAY_SIGNATURE=libsodium",
    ...libsodiumSetting(),
  ];
  run("cmake", [
    "-S",
    STUBS,
    "-B",
    folder,
    "--toolchain",
    join(STUBS, "cmake/arm-none-eabi.cmake"),
    ...settings,
  ]);
  run("cmake", ["--build", folder, "--target", "mayday_ed25519"]);
  return join(folder, "libmayday_ed25519.a");
}

function partsOf(sizes) {
  const parts = {};
  for (const [source, bytes] of sizes) {
    const part = Object.entries(PARTS).find(([, pattern]) => pattern.test(source))?.[0] ?? source;
    parts[part] = (parts[part] ?? 0) + bytes;
  }
  return parts;
}

const sum = (numbers) => numbers.reduce((total, n) => total + n, 0);
const total = (parts, names) => sum(names.map((name) => parts[name] ?? 0));

function code() {
  const single = linked("single", "single", true);
  const parts = partsOf(single.sizes);
  if (process.argv.includes("--files"))
    for (const [source, bytes] of [...single.sizes].sort(([, a], [, b]) => b - a))
      process.stdout.write(`     ${source.padEnd(38)}${String(bytes).padStart(6)}\n`);
  const ab = partsOf(linked("ab", "ab", false).sizes);
  const withKey = partsOf(linked("ab-link-key", "ab-link-key", false).sizes);
  const withFec = linked("ab-fec", "ab-fec", false);
  const asked = ["transfer core", "manifest check", "boot record", "writer"];
  const ours = [...asked, "SHA-256", "link key", "second form"];
  row("transfer core", parts["transfer core"], 10 * KIB, "wire, link, session, tree, blocks");
  row(
    "manifest check",
    parts["manifest check"],
    Number.POSITIVE_INFINITY,
    "of a transfer and of the boot decision",
  );
  row("SHA-256", parts["SHA-256"], 2 * KIB);
  row(
    "boot record with trial and confirm",
    parts["boot record"],
    6 * KIB,
    "boot decision and flash map, too",
  );
  row("writer of slots", parts.writer, Number.POSITIVE_INFINITY, "repair units, and which images are taken");
  row(
    "all of these but SHA-256",
    total(parts, asked),
    16 * KIB,
    "against the sum of the bounds of core and record",
  );
  row(
    "ab and quarantine",
    total(ab, ours) - total(parts, ours),
    3 * KIB,
    "manifests in the record, too: difference of two builds",
  );
  row("Ed25519", parts["Ed25519"] ?? 0, 12.5 * KIB);
  row("link key", total(withKey, ours) - total(ab, ours), 3 * KIB, "difference of two builds");
  const fec = partsOf(withFec.sizes);
  const inFec = Object.entries(fecFiles(withFec.sizes)).map((pair) => pair.join(" "));
  row(
    "second form of frames",
    total(fec, ours) - total(ab, ours),
    4.5 * KIB,
    `difference of two builds; ${inFec.join(", ")}`,
  );
  row(
    "second form of a rescuer",
    ofRescuer("rescuer-fec") - ofRescuer("rescuer"),
    6.5 * KIB,
    "difference of all files",
  );
  const whole = `without -flto ${sum([...single.sizes.values()])}: main ${parts.main}, helpers ${parts.helpers}`;
  row("whole single target, with signature", wholeWithLto("single"), 32 * KIB, whole);
  return { objects: single.objects, withFec: withFec.objects };
}

/** Bytes of each file of the second form. */
function fecFiles(sizes) {
  const files = [...sizes].filter(([source]) => PARTS["second form"].test(source));
  return Object.fromEntries(files.map(([source, bytes]) => [basename(source, ".c"), bytes]));
}

/** Code and constants of all files of a rescuer. */
function ofRescuer(configuration) {
  return sizeOf(MACHINE, [...compile(MACHINE, configuration).values()]).text;
}

/** Sizes of the contexts. */
function ram(configuration, bound) {
  const { prefix } = MACHINES[MACHINE];
  const source = "tests/size/contexts.c";
  const [object] = compile(MACHINE, configuration, [], [source]).values();
  const told = run(`${prefix}nm`, ["-S", object]);
  const read = (prefix) =>
    [...told.matchAll(/^\S+ ([0-9a-f]+) \w (\w+_of)_(\w+)$/gm)]
      .filter(([, , kind]) => kind === prefix)
      .map(([, size, , name]) => [name, Number.parseInt(size, 16)]);
  const sizes = read("size_of");
  if (sizes.length < 3) throw new Error("contexts.c has less than three contexts");
  const inside = read("part_of").map(([name, size]) => `${name.replace("target_", "")} ${size}`);
  const note = `${sizes.map((pair) => pair.join(" ")).join(", ")} (of which ${inside.join(", ")})`;
  row(`RAM of ${configuration}`, sum(sizes.map(([, size]) => size)), bound, note);
}

/** The deepest stack of a target whose port's functions take none. */
function stack(what, objects) {
  const files = [...objects.values()].map((object) => object.replace(/\.o$/, ".ci"));
  const { bytes, chain } = deepestOf(readGraph(files));
  row(what, bytes, KIB, chain.join(" > "));
}

function stackOfCheck() {
  const folder = join(FOLDER, "ed25519");
  const graphs = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".ci"));
  const check = deepestOf(readGraph(graphs.map((name) => join(folder, name))), /^mayday_ed25519_verify$/);
  row("stack of the signature check", check.bytes, 3.6 * KIB, check.chain.join(" > "));
}

const { objects, withFec } = code();
ram("single-small", 2 * KIB);
ram("single", 2 * KIB);
ram("ab", 2 * KIB);
ram("ab-link-key", 3 * KIB);
ram("ab-fec", 2.5 * KIB);
stack("stack without signature check", objects);
stack("stack with the second form", withFec);
stackOfCheck();
let isOver = false;
for (const { what, bytes, bound, note } of rows) {
  const most = Math.max(bound, REACHED[what] ?? 0);
  const against = Number.isFinite(bound)
    ? `of ${String(Math.floor(bound)).padStart(6)} bytes`
    : "bytes".padEnd(15);
  isOver ||= bytes > most;
  const verdict = bytes > most ? "OVER " : bytes > bound ? "MORE " : "     ";
  process.stdout.write(`${verdict}${what.padEnd(38)}${String(bytes).padStart(6)} ${against}  ${note}\n`);
}
process.exitCode = isOver || rows.some(({ bytes }) => !(bytes > 0)) ? 1 : 0;
