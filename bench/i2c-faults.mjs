#!/usr/bin/env node
// One fault of the I2C rig at one byte of a whole rescue, for many bytes and each kind: the real addon in the
// controller, two processes of the command line. Each must heal the board, byte for byte.
//
//   npm run build && node bench/i2c-faults.mjs [--positions 50]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildHelper } from "../dist/transport/cable/helper-build.js";
import { mayday, startMayday } from "../hw-loopback/lib.mjs";

const KINDS = ["nack", "lost", "corrupt", "timeout", "short"];
const { values } = parseArgs({ options: { positions: { type: "string", default: "50" } } });

const shim = await buildHelper({
  name: "i2c-shim",
  flags: ["-std=gnu11", "-O2", "-shared", "-fPIC"],
  libraries: ["-ldl", "-lpthread"],
});
const directory = mkdtempSync(join(tmpdir(), "mayday-i2c-"));
const path = (name) => join(directory, name);
writeFileSync(
  path("fw.bin"),
  Uint8Array.from({ length: 4096 }, (_, i) => (i * 31 + (i >> 5)) & 0xff),
);
mayday("keygen", "--out", path("k"));
const what = ["--hardware", "bench/bus", "--version", "1.0.0", "--key", path("k.key")];
mayday("image", "build", "--in", path("fw.bin"), ...what, "--block-size", "1024", "--out", path("fw.mdy"));

let count = 0;

/** A rescue with these faults on a bus of its own; says how it ended. */
async function heal(faults) {
  const id = `bus${count++}`;
  mkdirSync(path(id), { mode: 0o700 });
  mkdirSync(path(`${id}/i2c-1`), { mode: 0o700 });
  mayday(
    "board",
    "init",
    path(`${id}/board`),
    "--hardware",
    "bench/bus",
    "--flash-size",
    "4096",
    "--trust",
    path("k.pub"),
  );
  process.env.MAYDAY_I2C_DIR = path(id);
  process.env.MAYDAY_I2C_FAULTS = faults;
  process.env.MAYDAY_I2C_REPORT = path(`${id}/report`);
  const link = `i2c-peripheral:${path(`${id}/i2c-1`)}?address=0x42`;
  const target = startMayday("distress", "--link", link, "--board", path(`${id}/board`), "--timeout", "30");
  process.env.LD_PRELOAD = shim;
  const address = "i2c:/dev/i2c-1?address=0x42";
  const rescuer = startMayday(
    "rescue",
    "--link",
    address,
    "--image",
    path("fw.mdy"),
    "--once",
    "--timeout",
    "30",
  );
  process.env.LD_PRELOAD = "";
  const [t, r] = await Promise.all([target.ended, rescuer.ended]);
  mayday("board", "read", path(`${id}/board`), "--out", path(`${id}/back`));
  const isExact = readFileSync(path(`${id}/back`)).equals(readFileSync(path("fw.bin")));
  const report = readFileSync(path(`${id}/report`), "utf8");
  return { isHealed: t.code === 0 && r.code === 0 && isExact, codes: [t.code, r.code], report };
}

const clean = await heal("seed=1");
const bytes = Number(/bytes[=": ]+(\d+)/.exec(clean.report)?.[1]);
const step = Math.max(1, Math.floor(bytes / Number(values.positions)));
const failures = [];
let runs = 0;
for (const kind of KINDS) {
  for (let at = 0; at < bytes; at += step) {
    const faults = `seed=1,at=${at}:${kind}`;
    const { isHealed, codes } = await heal(faults).catch((error) => ({
      isHealed: false,
      codes: [String(error)],
    }));
    runs++;
    if (!isHealed) failures.push(`${faults}: exit ${codes.join(" and ")}`);
  }
}
rmSync(directory, { recursive: true });
process.stdout.write(
  `${bytes} bytes on the bus without a fault; a fault at every ${step}th of them, ${KINDS.length} kinds\n`,
);
process.stdout.write(`${runs - failures.length} of ${runs} rescues healed, byte for byte\n`);
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
