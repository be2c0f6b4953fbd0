#!/usr/bin/env node
// All four pairings of rescuer and target, TypeScript and C, as real processes over `mayday cable`, byte by byte, and what share of
// the goodput of two TypeScript sides each has. `--evidence` writes "firmware-pairs" in docs/evidence.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { headLines, median, recordHead, tableText, writeRecord } from "../../hw-loopback/lib.mjs";
import { BUILD, ROOT } from "./sources.mjs";

const MAYDAY = join(ROOT, "dist/cli/main.js");
const POSIX = join(BUILD, "posix/mayday-posix");
const BAUD = 921_600;
const SIZE = 262_144;
const RATES = ["0", "1e-5", "1e-4"];
const SIDES = ["TypeScript", "C"];
const HARDWARE = "acme/gate";
const LIMIT_S = "60";

function mayday(...args) {
  const { status, stderr } = spawnSync("node", [MAYDAY, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`mayday ${args[0]}: exit code ${status}\n${stderr}`);
}

/** A process whose output goes to a file. */
function start(command, args, log) {
  const out = openSync(log, "w");
  const child = spawn(command, args, { stdio: ["ignore", out, out] });
  closeSync(out);
  const ended = new Promise((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  return { child, ended };
}

async function until(log, pattern) {
  for (let tries = 0; tries < 400; tries++) {
    if (pattern.test(readFileSync(log, "utf8"))) return;
    await sleep(25);
  }
  throw new Error(`${log} never said ${pattern}`);
}

/** Seconds from the target's start to its end. */
async function heal(folder, rescuer, target, ber, seed) {
  const path = (name) => join(folder, name);
  for (const name of ["board", "flash.bin", "out.bin"]) rmSync(path(name), { recursive: true, force: true });
  const cableArgs = [
    "cable",
    "--a",
    path("a"),
    "--b",
    path("b"),
    "--baud",
    `${BAUD}`,
    "--ber",
    ber,
    "--seed",
    `${seed}`,
  ];
  const cable = start("node", [MAYDAY, ...cableArgs], path("cable.log"));
  const board = [
    "--flash",
    path("flash.bin"),
    "--slot",
    "512K",
    "--hardware",
    HARDWARE,
    "--trust",
    path("k.pub"),
  ];
  try {
    await until(path("cable.log"), /ready/);
    if (target === "TypeScript")
      mayday(
        "board",
        "init",
        path("board"),
        "--hardware",
        HARDWARE,
        "--flash-size",
        "512K",
        "--trust",
        path("k.pub"),
      );
    const image = path("fw.mdy");
    const rescue =
      rescuer === "TypeScript"
        ? start(
            "node",
            [MAYDAY, "rescue", "--link", `serial:${path("b")}?baud=${BAUD}`, "--image", image, "--once"],
            path("rescuer.log"),
          )
        : start(
            POSIX,
            ["rescuer", "--port", path("b"), "--baud", `${BAUD}`, "--image", image, "--once"],
            path("rescuer.log"),
          );
    await sleep(1000);
    const begun = performance.now();
    const healed =
      target === "TypeScript"
        ? start(
            "node",
            [
              MAYDAY,
              "distress",
              "--link",
              `serial:${path("a")}?baud=${BAUD}`,
              "--board",
              path("board"),
              "--timeout",
              LIMIT_S,
            ],
            path("target.log"),
          )
        : start(
            POSIX,
            ["target", "--port", path("a"), "--baud", `${BAUD}`, ...board, "--timeout", LIMIT_S],
            path("target.log"),
          );
    const code = await healed.ended;
    const seconds = (performance.now() - begun) / 1000;
    const rescued = await Promise.race([rescue.ended, sleep(20_000).then(() => -2)]);
    rescue.child.kill("SIGKILL");
    if (code !== 0 || rescued !== 0)
      throw new Error(`exit codes ${code} and ${rescued}\n${readFileSync(path("target.log"), "utf8")}`);
    if (target === "TypeScript") mayday("board", "read", path("board"), "--out", path("out.bin"));
    else if (spawnSync(POSIX, ["read", ...board, "--out", path("out.bin")]).status !== 0)
      throw new Error("nothing boots");
    if (!readFileSync(path("out.bin")).equals(readFileSync(path("fw.bin")))) throw new Error("another image");
    return seconds;
  } finally {
    cable.child.kill("SIGTERM");
    await cable.ended;
  }
}

async function main() {
  const { values } = parseArgs({
    options: { seeds: { type: "string", default: "5" }, evidence: { type: "boolean" } },
  });
  const seeds = Number(values.seeds);
  const built = spawnSync(
    "sh",
    [
      "-c",
      `cmake -S firmware-stubs -B ${BUILD}/posix -DMAYDAY_BUILD_TESTS=OFF && cmake --build ${BUILD}/posix`,
    ],
    { cwd: ROOT, encoding: "utf8" },
  );
  if (built.status !== 0) throw new Error(built.stdout + built.stderr);
  const folder = mkdtempSync(join(tmpdir(), "mayday-pairs-"));
  const rows = [];
  try {
    const firmware = Buffer.alloc(SIZE);
    let state = 1;
    for (let i = 0; i < SIZE; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      firmware[i] = state >>> 24;
    }
    writeFileSync(join(folder, "fw.bin"), firmware);
    mayday("keygen", "--out", join(folder, "k"));
    mayday(
      "image",
      "build",
      "--in",
      join(folder, "fw.bin"),
      "--hardware",
      HARDWARE,
      "--version",
      "1.0.0",
      "--key",
      join(folder, "k.key"),
      "--out",
      join(folder, "fw.mdy"),
    );
    for (const ber of RATES) {
      const times = new Map();
      for (let seed = 1; seed <= seeds; seed++)
        for (const rescuer of SIDES)
          for (const target of SIDES) {
            const name = `${rescuer} to ${target}`;
            times.set(name, [...(times.get(name) ?? []), await heal(folder, rescuer, target, ber, seed)]);
          }
      const base = median(times.get("TypeScript to TypeScript"));
      for (const [name, all] of times) {
        rows.push([ber, name, all.length, median(all).toFixed(2), (base / median(all)).toFixed(3)]);
        process.stdout.write(`${ber} ${name}: ${(base / median(all)).toFixed(3)}\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (values.evidence !== true) return;
  const head = recordHead("firmware-pairs", `seeds 1 to ${seeds} of the cable, in turns`, []);
  const markdown = [
    "# TypeScript and C, in all four pairings",
    "",
    "256 KiB at 921600 baud over `mayday cable`, real processes: `mayday` and `mayday-posix`. Seconds run from the start of the target's process",
    "to its end, for all alike; every image was read back and equal. Again: `node scripts/firmware/pairs.mjs --evidence`.",
    "",
    ...headLines(head),
    "",
    ...tableText(
      ["bit errors", "rescuer to target", "runs", "seconds, median", "of TypeScript to TypeScript"],
      rows,
    ),
    "",
  ];
  writeRecord(join(ROOT, "docs/evidence/firmware-pairs"), { ...head, rows }, markdown.join("\n"));
}

await main();
