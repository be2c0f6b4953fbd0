import { describe, expect, it, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import type { Verdict } from "../../src/node/verdict.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { CRC_LENGTH } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { OPEN_HARDWARE, openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";
import { withCrc } from "../support/with-crc.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

/** Calls that somebody without the link key forges, at a wire between two nodes that have it (PROTOCOL.md 14.7). */

const LINE = { baud: 115_200, latencyMs: 1 };
const RESCUE_MS: Millis = 20_000;
const linkKey = linkKeyOf(new Uint8Array(32).fill(5));

function image(major: number): ImageSource {
  const fields = { ...OPEN_HARDWARE, version: { major, minor: 0, patch: 0 }, blockSize: 1024 };
  return memoryImage(new Uint8Array(4000).fill(major), fields, undefined);
}
const OLD = image(1);
const NEW = image(2);

/** What becomes of a call on its way: the frames that arrive instead. `index`: of the call. */
type Tap = (call: Beacon, frame: Uint8Array, index: number) => Uint8Array[];

interface Outcome {
  readonly board: Verdict;
  readonly rescuer: Verdict;
  /** When the rescuer ended. */
  readonly rescuerMs: Millis;
  readonly atBoard: readonly NodeEvent[];
  readonly atRescuer: readonly NodeEvent[];
  /** Image that the board holds. */
  readonly installed: string | undefined;
}

/** A board and `rescue --once` with images 1.0.0 and 2.0.0, both with the link key, and a tap between them. */
async function rescueThrough(tap: Tap): Promise<Outcome> {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  let calls = 0;
  const tapped = wrappedTransport(a, {
    write: (bytes) => {
      const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
      const message = frame && decodeFrame(frame, undefined);
      if (frame === undefined || message?.tag !== "distress") return a.write(bytes);
      return tap(message, frame, calls++).every((instead) => a.write(encodeDelimited(instead)));
    },
  });
  const board = openBoardInMemory();
  const [atBoard, atRescuer]: [NodeEvent[], NodeEvent[]] = [[], []];
  const common = { signal: new AbortController().signal, clock, linkKey };
  const store = board.store();
  const distress = runDistress({
    ...{ ...common, links: [tapped], store, timeoutMs: RESCUE_MS + 5_000, random: new SeededRandom(1) },
    onEvent: (event) => void atBoard.push(event),
  });
  const rescue = runRescue({
    ...{ ...common, links: [b], timeoutMs: RESCUE_MS, random: new SeededRandom(2) },
    ...{ repository: fixedRepository([OLD, NEW]), allowUnsigned: true, once: true },
    onEvent: (event) => void atRescuer.push(event),
  });
  let rescuerMs = 0;
  void rescue.finally(() => {
    rescuerMs = clock.now();
  });
  const [ofBoard, ofRescuer] = await inVirtualTime(clock, Promise.all([distress, rescue]));
  const digest = board.store().status().installed?.digest8;
  const installed = digest && toHex(digest);
  return { board: ofBoard, rescuer: ofRescuer, rescuerMs, atBoard, atRescuer, installed };
}

const nameOf = ({ digest }: ImageSource): string => toHex(shortDigest(digest));
const encoded = (call: Beacon): Uint8Array => encodeMessage(call, 1);
const says = (change: Partial<Beacon>): ((call: Beacon) => Uint8Array) => {
  return (call) => encoded({ ...call, ...change });
};
const claimsOld = says({ installedDigest: shortDigest(OLD.digest) });
const claimsFloor = says({ counterFloor: 0xffffffff });

const FORGERIES: readonly (readonly [string, (call: Beacon) => Uint8Array])[] = [
  ["another installed image", claimsOld],
  ["the highest counter floor", claimsFloor],
  ["other hardware", says({ hardwareId: new Uint8Array(8).fill(0xaa) })],
  ["no link key", ({ wantsLinkKey: _, ...call }) => encoded(call)],
  [
    "a flag that nobody knows",
    (call) => {
      const bytes = encoded(call).slice(0, -CRC_LENGTH);
      bytes[28] = (bytes[28] ?? 0) | 0x40;
      return withCrc(bytes, undefined);
    },
  ],
  [
    "an extension that nobody knows",
    (call) => withCrc(Uint8Array.of(...encoded(call).slice(0, -CRC_LENGTH), 0x60, 1, 7), undefined),
  ],
];

function expectHealedWithNew({ board, rescuer, atBoard, atRescuer, installed }: Outcome): void {
  expect([board.code, rescuer.code]).toEqual([0, 0]);
  expect(installed).toBe(nameOf(NEW));
  const events = [...atBoard, ...atRescuer].map(({ event }) => event);
  expect(events).not.toContain("lost");
  expect(atBoard.filter(({ event }) => event === "refused")).toEqual([]);
}

describe("with a link key, a call that was forged,", () => {
  it("when there is none, is not needed: the newest image is installed", async () => {
    expectHealedWithNew(await rescueThrough((_call, frame) => [frame]));
  });

  test.each(FORGERIES)("saying %s in place of the first call, changes nothing", async (_what, forge) => {
    expectHealedWithNew(await rescueThrough((call, frame, index) => (index === 0 ? [forge(call)] : [frame])));
  });

  test.each(FORGERIES)("saying %s before each call, changes nothing", async (_what, forge) => {
    expectHealedWithNew(await rescueThrough((call, frame) => [forge(call), frame]));
  });

  test.each(FORGERIES)(
    "saying %s in place of all calls, begins no session, ends no `rescue --once` before its time, and is not reported as another key",
    async (_what, forge) => {
      const seen = await rescueThrough((call) => [forge(call)]);
      expect(seen.installed).toBeUndefined();
      expect(seen.rescuerMs).toBeGreaterThanOrEqual(RESCUE_MS);
      expect(seen.atBoard.filter(({ event }) => event === "offer" || event === "refused")).toEqual([]);
      expect(seen.rescuer).not.toMatchObject({ reason: "link-key" });
    },
  );

  it("costs the honest call no more than one pick and one offer", async () => {
    const timeOf = async (tap: Tap): Promise<Millis> => (await rescueThrough(tap)).rescuerMs;
    const undisturbed = await timeOf((_call, frame) => [frame]);
    const disturbed = await timeOf((call, frame) => [claimsOld(call), frame]);
    // An offer is 70 bytes, a call 66: 20 ms at this rate with their delimiters and latency.
    expect(disturbed - undisturbed).toBeLessThan(50);
  });
});
