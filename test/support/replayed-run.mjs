// One board in distress and its rescuer over a faulty wire in memory, in virtual time, from one seed (the argument).
// Prints as JSON how it ended, how much went over the wire, and a hash of every byte and every event in their order.
import { createHash } from "node:crypto";
import {
  createMemoryPair,
  fixedRepository,
  memoryBoard,
  memoryImage,
  PureRunSplitter,
  runDistress,
  runRescue,
  SeededRandom,
  VirtualClock,
  withFaults,
} from "../../dist/index.js";

const HARDWARE = { vendor: "acme", hardwareClass: "gate" };
const SIZE = 40_000;
const LINE = { baud: 115_200, latencyMs: 2, pieceBytes: 32 };
const LIMIT_MS = 300_000;

const seed = Number(process.argv[2]);
const clock = new VirtualClock();
const hash = createHash("sha256");
const counts = { bytes: 0, events: 0 };

/** A transport whose bytes go into the hash, with their time. */
function recorded(name, inner) {
  return {
    get facts() {
      return { ...inner.facts, endpoint: name };
    },
    open: (handlers) => inner.open(handlers),
    write: (bytes) => {
      hash.update(`${name} ${clock.now()} `).update(bytes);
      counts.bytes += bytes.length;
      return inner.write(bytes);
    },
    close: () => inner.close(),
  };
}

/** What one node is given: its own generator, and faults that follow from the seed. */
function optionsOf(name, inner, number) {
  const faults = { seed: seed * 2 + number, clock, ber: 1e-4, drop: 1e-4 };
  return {
    links: [withFaults(recorded(name, inner), faults)],
    signal: new AbortController().signal,
    clock,
    random: new SeededRandom(seed * 2 + number),
    makeSplitter: (onRun) => new PureRunSplitter(onRun, clock),
    timeoutMs: LIMIT_MS,
    onEvent: (event) => {
      hash.update(`${name} ${clock.now()} ${JSON.stringify(event)}`);
      counts.events++;
    },
  };
}

const content = new SeededRandom(1);
const data = Uint8Array.from({ length: SIZE }, () => content.u32() & 0xff);
const image = memoryImage(data, { ...HARDWARE, version: { major: 1, minor: 0, patch: 0 } }, undefined);
const board = memoryBoard({
  geometry: { sectorSize: 4096, slotSize: 40_960, layout: "single" },
  identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 1 },
  policy: { keys: [], allowUnsigned: true },
});
const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
let verdicts;
Promise.all([
  runDistress({ ...optionsOf("target", near, 0), store: board.store() }),
  runRescue({
    ...optionsOf("rescuer", far, 1),
    repository: fixedRepository([image]),
    allowUnsigned: true,
    once: true,
  }),
]).then((all) => {
  verdicts = all;
});
for (let isRunning = true; isRunning && verdicts === undefined; ) {
  await new Promise(setImmediate);
  isRunning = clock.runNext();
}
await new Promise(setImmediate);
const reasons = verdicts?.map(({ reason }) => reason);
hash.update(JSON.stringify(verdicts ?? null));
process.stdout.write(JSON.stringify({ reasons, ...counts, hash: hash.digest("hex") }));
