// What the core takes: both roles, their links, and a board in memory, over a clean wire in virtual time. Prints rows as JSON.
import "../../.lab/src/crypto/use-node-crypto.js";
import { VirtualRescue } from "../../.lab/test/support/virtual-rescue.js";
import { median } from "../../hw-loopback/lib.mjs";

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const RUNS = 5;
/** In virtual time. */
const LIMIT_MS = 600_000;

/** Milliseconds of processor for a MiB of image, both sides and the board together. */
function sample(seed, isHunting) {
  const hunting = [isHunting, isHunting];
  const rescue = new VirtualRescue({ seed, size: SIZE, baud: 3_000_000, pieceBytes: 1024, hunting });
  const start = process.cpuUsage();
  const isWhole = rescue.run(LIMIT_MS) && Buffer.compare(rescue.flashed, rescue.data) === 0;
  const { user, system } = process.cpuUsage(start);
  if (!isWhole) throw new Error("not healed");
  return (user + system) / 1000 / (SIZE / MIB);
}

function row(name, isHunting) {
  sample(0, isHunting); // warm-up
  const figure = median(Array.from({ length: RUNS }, (_, i) => sample(i + 1, isHunting)));
  return [name, `${figure.toFixed(0)} ms a MiB, ${(1000 / figure).toFixed(0)} MiB/s`, "60 ms a MiB"];
}

process.stdout.write(
  JSON.stringify([
    row("core, both sides, board in memory: COBS alone", false),
    row("the same, hearing both forms", true),
  ]),
);
