import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { makePureSplitter } from "../../src/node/pure-run-splitter.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { board } from "../board/support.ts";
import { WasmTarget } from "../support/wasm-target.ts";

const LINE = { baud: 115_200, latencyMs: 1 };
const NEIGHBOUR = new Uint8Array(8).fill(5);
/** After half a minute a board calls every 2 s. */
const LATE_MS: Millis = 30_000;

/** A target that calls on `near`. */
type Start = (clock: VirtualClock, near: Transport) => void;

const TARGETS: readonly [string, Start][] = [
  [
    "TypeScript",
    (clock, near) => {
      const random = new SeededRandom(1);
      const makeSplitter = (
        onRun: Parameters<typeof makePureSplitter>[0],
      ): ReturnType<typeof makePureSplitter> => makePureSplitter(onRun, { maxRun: 4_129, clock });
      void runDistress({ links: [near], store: board().store(), clock, random, makeSplitter });
    },
  ],
  [
    "C",
    (clock, near) =>
      new WasmTarget({
        ...{
          clock,
          random: new SeededRandom(1),
          nodeId: new Uint8Array(8).fill(9),
          baud: LINE.baud,
          keys: [],
          revision: 3,
        },
        hardware: { vendor: "acme", hardwareClass: "gate" },
        geometry: { sectorSize: 4096, slotSize: 65_536, layout: "single" },
      }).start(near),
  ],
];

/** How soon the target calls after it heard this status of a neighbour; undefined when it does not within 100 ms. */
async function answerTo(start: Start, said: Partial<NodeStatus>): Promise<Millis | undefined> {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  let calledAt: Millis | undefined;
  await far.open({
    onUp: () => {},
    onBytes: (bytes: Uint8Array) => {
      const body = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
      if (body !== undefined && decodeFrame(body, 1).tag === "distress") calledAt = clock.now();
    },
    onDown: () => {},
    onWritable: () => {},
  });
  start(clock, near);
  for (let i = 0; i < 20; i++) await undefined;
  // Right after a call, so that the next one by its timer is far.
  while (clock.now() < LATE_MS || clock.now() !== calledAt) clock.runNext(2 * LATE_MS);
  const status: NodeStatus = {
    ...{ nodeId: NEIGHBOUR, hardwareId: NEIGHBOUR, revision: 0, counterFloor: 0, failure: "empty" },
    ...{ installed: undefined, receivingDigest: NEIGHBOUR, ...said },
  };
  clock.advanceTo(clock.now() + 500);
  const from = clock.now();
  calledAt = undefined;
  far.write(encodeDelimited(encodeMessage(beaconOf(status, NEIGHBOUR), 1)));
  clock.advanceTo(from + 100);
  return calledAt === undefined ? undefined : calledAt - from;
}

describe.each(TARGETS)("a board in distress (%s) that hears another one", (_, start) => {
  it("in distress, too, says nothing: two that call would answer each other without end", async () => {
    expect(await answerTo(start, {})).toBeUndefined();
  });

  it("that is served over another link calls at once: what that one receives may be handed on", async () => {
    expect(await answerTo(start, { isServed: true })).toBeLessThan(30);
  });

  it("that boots calls at once", async () => {
    expect(await answerTo(start, { failure: undefined })).toBeLessThan(30);
  });
});
