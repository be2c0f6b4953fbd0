#!/usr/bin/env node
// What a pair of boards costs in virtual time when many pairs share one clock: N targets, each healed by a rescuer of
// its own over a wire of its own, with real flash model, image and keys. A wire hands over a whole write when its last
// byte has arrived, which is how many boards are simulated. The cost per pair must not grow with N.
//
//   npm run bench:pairs [-- --size 16384 --rounds 5]
//
// Run with --single-threaded-gc: the helper threads of the garbage collector spin when the machine has other work, and
// their processor time would count.
import "../.lab/src/crypto/use-node-crypto.js";
import { parseArgs } from "node:util";
import { VirtualClock } from "../.lab/src/base/virtual-clock.js";
import { createMemoryPair } from "../.lab/src/sim/wires/memory-pair.js";
import { VirtualRescue } from "../.lab/test/support/virtual-rescue.js";

const COUNTS = [10, 100, 1000];
/** The cost of one pair among 1,000 may be this many times that of one among 10. */
const GROWTH_MAX = 1.5;
const LINE = { baud: 115_200, latencyMs: 1 };
/** A sample runs no fewer pairs than this, in several batches if need be: 10 pairs take too little time to measure. */
const SAMPLE_PAIRS_MIN = 100;
/** Timers fired between two looks at who is healed. */
const TIMERS_PER_LOOK = 4096;

const { values } = parseArgs({
  options: { size: { type: "string", default: "16384" }, rounds: { type: "string", default: "5" } },
});
const size = Number(values.size);
const rounds = Number(values.rounds);

/** Heals `count` boards at once; the milliseconds of processor that takes, without setting them up. */
function healTogether(count) {
  const clock = new VirtualClock();
  const pairs = Array.from({ length: count }, (_, seed) => {
    const ends = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
    return new VirtualRescue({ clock, size, seed, makeEnd: (end) => ends[end] });
  });
  const start = process.cpuUsage();
  let open = pairs;
  while (open.length > 0) {
    let fired = 0;
    while (fired < TIMERS_PER_LOOK && clock.runNext()) fired++;
    open = open.filter((pair) => !pair.isOver);
    if (fired === 0 && open.length > 0)
      throw new Error(`nothing is left to happen, and ${open.length} boards wait`);
  }
  const { user, system } = process.cpuUsage(start);
  const wrong = pairs.filter(({ flashed, data }) => Buffer.compare(flashed, data) !== 0).length;
  if (wrong > 0) throw new Error(`${wrong} of ${count} boards hold something else than the image`);
  return (user + system) / 1000;
}

/** Milliseconds per pair among `count`. */
function sample(count) {
  const batches = Math.ceil(SAMPLE_PAIRS_MIN / count);
  let total = 0;
  for (let i = 0; i < batches; i++) total += healTogether(count);
  return total / (batches * count);
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const print = (line) => process.stdout.write(`${line}\n`);

for (const count of COUNTS) sample(count); // warm-up
const samples = new Map(COUNTS.map((count) => [count, []]));
for (let round = 0; round < rounds; round++) for (const [count, taken] of samples) taken.push(sample(count));

const base = median(samples.get(COUNTS[0]));
print(`${size} bytes a board; milliseconds of processor, medians of ${rounds}`);
print("pairs | ms per pair | times that of 10 pairs | all samples");
let worst = 0;
for (const [count, taken] of samples) {
  const growth = median(taken) / base;
  worst = Math.max(worst, growth);
  const all = taken.map((ms) => ms.toFixed(2)).join(" ");
  print(`${count} | ${median(taken).toFixed(2)} | ${growth.toFixed(2)} | ${all}`);
}
if (worst > GROWTH_MAX) {
  process.stderr.write(
    `a pair among many costs ${worst.toFixed(2)} times as much: ${GROWTH_MAX} is allowed\n`,
  );
  process.exitCode = 1;
}
