// A board in memory is healed in virtual time, over a wire in memory: no ports, no files, no waiting. node memory-target.js
import {
  createMemoryPair,
  fixedRepository,
  generateKeyPair,
  memoryBoard,
  memoryImage,
  runDistress,
  runRescue,
  SeededRandom,
  signingKeyFromPem,
  trustedKeyOf,
  VirtualClock,
} from "mayday";

const clock = new VirtualClock();
const random = new SeededRandom(1);
const hardware = { vendor: "acme", hardwareClass: "widget" };
const owner = signingKeyFromPem(generateKeyPair().privatePem);
const firmware = new Uint8Array(65_536).map(() => random.u32() & 0xff);
const image = memoryImage(firmware, { ...hardware, version: { major: 1, minor: 4, patch: 0 } }, owner);

const board = memoryBoard({
  geometry: { sectorSize: 4096, slotSize: firmware.length, layout: "single" },
  identity: { nodeId: new Uint8Array(8).fill(7), hardware, revision: 0 },
  policy: { keys: [trustedKeyOf(owner, ["app"])], allowUnsigned: false },
});
const line = { baud: 115_200, latencyMs: 1 };
const [a, b] = createMemoryPair(clock, { aToB: line, bToA: line });

const healed = Promise.all([
  runDistress({ links: [a], store: board.store(), clock, random }),
  runRescue({
    links: [b],
    repository: fixedRepository([image]),
    allowUnsigned: false,
    once: true,
    clock,
    random,
  }),
]);
let isOver = false;
void healed.finally(() => {
  isOver = true;
});
// Time passes when nothing else is left to do now.
while (!isOver) {
  await new Promise(setImmediate);
  clock.runNext();
}
const [verdict] = await healed;
process.stdout.write(
  `${verdict.reason}, ${board.boot().tag} after ${Math.round(clock.now() / 1000)} virtual seconds\n`,
);
