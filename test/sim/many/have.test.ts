import { describe, expect, it } from "vitest";
import type { RunOutcome } from "../../../src/base/tree-shape.ts";
import type { Millis } from "../../../src/base/units.ts";
import type { ImageSource } from "../../../src/image/image-source.ts";
import type { WorldFaults } from "../../../src/sim/many/faults.ts";
import type { SimBoard } from "../../../src/sim/many/sim-board.ts";
import { simKey } from "../../../src/sim/many/sim-key.ts";
import type { Topology } from "../../../src/sim/many/topologies.ts";
import { World } from "../../../src/sim/many/world.ts";
import { decodeCobs, encodeDelimited } from "../../../src/wire/cobs.ts";
import { CRC_LENGTH, FrameClass, RescuerControlType } from "../../../src/wire/constants.ts";
import { frameCrc } from "../../../src/wire/crc.ts";

const SIZE = 1_048_576;
const BLOCK = 4096;
const BLOCKS: number = SIZE / BLOCK;
const FAST = 921_600;
const SLOW = 9_600;
const HAVE: number = (RescuerControlType.have << 4) | FrameClass.rescuerControl;

/** A source, a rescuer with a part, the board that is healed, another rescuer with the other part, and its source. */
const LINE: Topology = {
  ...{ kind: "line", nodes: 5, places: [] },
  edges: [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ],
};

/** Writes some blocks of an image into a board that is off, as a session does that is cut off then. */
function receivePart(
  board: SimBoard | undefined,
  image: ImageSource,
  isIn: (block: number) => boolean,
): void {
  const store = board?.open().store() ?? expect.fail("no such board");
  expect(store.checkManifest(image.envelope).tag).toBe("accepted");
  const take = (outcome: RunOutcome): void => {
    if (outcome.tag !== "good") throw new Error(`a run was ${outcome.tag}`);
    for (const block of outcome.blocks.filter(isIn))
      expect(store.writeBlock(block, image.readBlockSync(block))).toBe("written");
    for (const node of outcome.nodes) take(store.checkRun(node, image.tree.run(node)));
  };
  take(store.start());
  store.abandon();
}

/** The body of a frame on the wire, if it is a have. */
function haveIn(frame: Uint8Array): Uint8Array | undefined {
  const body = decodeCobs(frame.subarray(frame[0] === 0 ? 1 : 0, -1));
  return body?.[0] === HAVE ? body : undefined;
}

const lost = (frame: Uint8Array): Uint8Array => frame.map((byte, i) => (i === 3 ? byte ^ 0x55 : byte));

/** The same frame with a first entry that names all blocks, and a CRC that fits: by the same bits, every CRC changes alike. */
function lying(body: Uint8Array): Uint8Array {
  const end = body.length - CRC_LENGTH;
  const all = body.slice();
  all.set([0, 0, 0, BLOCKS & 0xff, BLOCKS >> 8, 0], 2);
  const change = body.subarray(0, end).map((byte, i) => byte ^ (all[i] ?? 0));
  const crcChange = frameCrc(change) ^ frameCrc(new Uint8Array(end));
  for (let i = 0; i < CRC_LENGTH; i++) all[end + i] = (body[end + i] ?? 0) ^ ((crcChange >>> (8 * i)) & 0xff);
  return encodeDelimited(all);
}

interface Scene {
  readonly seed?: number;
  /** Which blocks board 1 has; board 3 has the others. */
  readonly isFirst: (block: number) => boolean;
  /** When the sources of the two are cut off; never unless given. */
  readonly cutAt?: Millis;
  /** What becomes of a have of a board; it arrives unless given. */
  readonly change?: (frame: Uint8Array, body: Uint8Array, board: number) => Uint8Array;
  readonly limit?: Millis;
}

interface Outcome {
  /** When board 2 was healed. */
  readonly at: Millis;
  readonly haves: number;
  readonly haveBytes: number;
}

/** Board 2, which is empty, between two boards that are still receiving its image over slow lines and have a half of it each. */
async function heal({ seed = 1, isFirst, cutAt, change, limit = 600_000 }: Scene): Promise<Outcome> {
  let haves = 0;
  let haveBytes = 0;
  const isOfSource = (wire: number): boolean => wire === 0 || wire === 3;
  const faults = ({ clock }: World): WorldFaults => ({
    ...{ isOver: true, start: () => {}, wrapFlash: (_, flash) => flash },
    isCut: (wire) => isOfSource(wire) && clock.now() >= (cutAt ?? Number.POSITIVE_INFINITY),
    damage: (frame, board) => {
      const body = haveIn(frame);
      if (body === undefined) return frame;
      haves++;
      haveBytes += frame.length;
      return change?.(frame, body, board) ?? frame;
    },
  });
  const world = new World({
    ...{ topology: LINE, seed, key: simKey(seed), size: SIZE, baud: FAST, layout: "ab", loss: 0, faults },
    ...{ broken: [1, 2, 3], update: false, baudOf: (wire: number) => (isOfSource(wire) ? SLOW : FAST) },
  });
  receivePart(world.boards[1], world.newest, isFirst);
  receivePart(world.boards[3], world.newest, (block) => !isFirst(block));
  const isHealed = (): boolean => world.spreads.some(({ board }) => board === 2);
  await world.run(0);
  await world.continue(limit, isHealed);
  expect(world.checkers.violations).toEqual([]);
  const at = world.spreads.find(({ board }) => board === 2)?.at ?? Number.POSITIVE_INFINITY;
  return { at, haves, haveBytes };
}

const inHalves = (block: number): boolean => block < BLOCKS / 2;
const inStripes = (block: number): boolean => (block >> 3) % 2 === 0;

describe("a board between two that have a half of its image each, and get the rest over slow lines", () => {
  it.each([
    ["halves", inHalves, 8_000],
    ["stripes of eight blocks", inStripes, 13_000],
  ])(
    "is healed in seconds from %s by what they say they have, and in minutes when that is lost",
    async (_, isFirst, most) => {
      const told = await heal({ isFirst });
      expect(told.at).toBeLessThanOrEqual(most);
      const untold = await heal({ isFirst, change: lost });
      expect(untold.at).toBeGreaterThan(20 * told.at);
    },
  );

  it("is healed by them also when their sources are gone, which it is not when what they say is lost", async () => {
    const cutAt = 2_000;
    expect((await heal({ isFirst: inHalves, cutAt })).at).toBeLessThanOrEqual(8_000);
    const untold = await heal({ isFirst: inHalves, cutAt, change: lost, limit: 120_000 });
    expect(untold.at).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ["halves", inHalves],
    ["stripes of eight blocks", inStripes],
  ])("is healed little later from %s when one of them says that it has all", async (_, isFirst) => {
    const told = await heal({ isFirst });
    const liar = 3;
    for (const seed of [1, 2]) {
      const { at } = await heal({
        ...{ isFirst, seed },
        change: (frame, body, board) => (board === liar ? lying(body) : frame),
      });
      expect(at, `seed ${seed}`).toBeLessThanOrEqual(2 * told.at);
    }
  });

  it("hears of it at most four times a second from each, in 1 % of the line", async () => {
    for (const isFirst of [inHalves, inStripes]) {
      const { at, haves, haveBytes } = await heal({ isFirst });
      expect(haves).toBeGreaterThan(0);
      expect(haves / 2).toBeLessThanOrEqual(1 + (4 * at) / 1000);
      expect(haveBytes / 2).toBeLessThanOrEqual(0.01 * (FAST / 10) * (at / 1000));
    }
  });
});
