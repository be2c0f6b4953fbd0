import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import type { Millis } from "../../../src/base/units.ts";
import type { NodeEvent } from "../../../src/node/node-event.ts";
import type { WorldFaults } from "../../../src/sim/many/faults.ts";
import { damageUnseen } from "../../../src/sim/many/frame-damage.ts";
import { simKey } from "../../../src/sim/many/sim-key.ts";
import type { Topology } from "../../../src/sim/many/topologies.ts";
import { World } from "../../../src/sim/many/world.ts";

const SIZE = 524_288;
const FAST = 921_600;

interface Around {
  /** Rates of the wires to the rescuers, which are boards 1, 2, ... around board 0. */
  readonly bauds: readonly number[];
  readonly faults?: (world: World) => Partial<WorldFaults>;
  readonly seed?: number;
  readonly loss?: number;
  /** Called before the run. */
  readonly prepare?: (world: World) => void;
  readonly onEvent?: (board: number, event: NodeEvent) => void;
}

interface Healed {
  /** When board 0 was healed. */
  readonly at: Millis;
  /** Bytes that each rescuer sent. */
  readonly sent: readonly number[];
}

/** Board 0, which is empty, in the middle of rescuers that all have its image. */
async function heal({ bauds, faults, seed = 1, loss = 0, prepare, onEvent }: Around): Promise<Healed> {
  const nodes = bauds.length + 1;
  const edges = bauds.map((_, i): [number, number] => [0, i + 1]);
  const topology: Topology = { kind: "star", nodes, edges, places: [] };
  const none: WorldFaults = {
    ...{ isOver: true, start: () => {}, isCut: () => false },
    damage: (frame) => frame,
    wrapFlash: (_, flash) => flash,
  };
  const world: World = new World({
    ...{ topology, seed, key: simKey(seed), size: SIZE, baud: FAST, baudOf: (wire) => bauds[wire] },
    ...{ layout: "ab", broken: [0], update: false, loss, onEvent },
    faults: (made) => ({ ...none, ...faults?.(made) }),
  });
  prepare?.(world);
  await world.run(3_600_000, undefined);
  expect(world.checkers.violations).toEqual([]);
  const at = world.spreads.find(({ board }) => board === 0)?.at;
  if (at === undefined) throw new Error("board 0 was not healed");
  return { at, sent: world.boards.slice(1).map(({ bytesSent }) => bytesSent) };
}

/** The rate of a heal, of the sum of the rates of its links one by one. */
async function shareOfSum(around: Around): Promise<number> {
  let sum = 0;
  for (const baud of around.bauds) sum += 1 / (await heal({ ...around, bauds: [baud] })).at;
  return 1 / (await heal(around)).at / sum;
}

describe("a board with several rescuers of one image", () => {
  it.each([
    [[FAST, FAST]],
    [[FAST, FAST, FAST, FAST]],
    [[FAST, 460_800]],
    [[FAST, 115_200]],
    [[FAST, 19_200]],
    [[FAST, 460_800, 115_200, 19_200]],
  ])("is healed at 0.9 of the sum of their rates or more: %j", async (bauds) => {
    expect(await shareOfSum({ bauds })).toBeGreaterThanOrEqual(0.9);
  });

  it("is healed at 0.9 of that sum also where one frame in twenty is lost", async () => {
    for (const seed of [1, 2, 3])
      expect(await shareOfSum({ bauds: [FAST, FAST], loss: 0.05, seed })).toBeGreaterThanOrEqual(0.9);
  });

  it("asks each of them for another part: together they send little more than the image", async () => {
    const { sent } = await heal({ bauds: [FAST, FAST, FAST] });
    expect(Math.min(...sent)).toBeGreaterThan(0.25 * SIZE);
    expect(sent.reduce((a, b) => a + b)).toBeLessThan(1.05 * SIZE);
  });

  it("loses to one that dies only the blocks that were open there", async () => {
    const alone = await heal({ bauds: [FAST] });
    const both = await heal({ bauds: [FAST, FAST] });
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const killAt = share * both.at;
      const { at } = await heal({
        bauds: [FAST, FAST],
        prepare: (world) => {
          world.clock.after(killAt, () => world.powerOff(2));
          world.clock.after(20_000, () => world.boards[2]?.powerOn());
        },
      });
      // What was left then comes over one link, and the open blocks of the other one once more.
      const left = (1 - share) * alone.at + (16 * alone.at) / (SIZE / 4096);
      expect(at, `killed after ${share}`).toBeLessThanOrEqual(killAt + left + 100);
    }
  });

  it("is not held up by one that is cut off and says nothing", async () => {
    const alone = await heal({ bauds: [FAST] });
    const { at } = await heal({
      bauds: [FAST, FAST],
      faults: (world) => ({ isCut: (wire) => wire === 1 && world.clock.now() > 1_000 }),
    });
    expect(at).toBeLessThan(alone.at);
  });

  it("leaves one that lies, found by its hashes, and is healed by the other one in little more than its time", async () => {
    const random = new SeededRandom(7);
    const alone = await heal({ bauds: [FAST] });
    let lies = 0;
    const losses: string[] = [];
    const { at } = await heal({
      bauds: [FAST, FAST],
      // Its data frames are wrong, and have a CRC that fits.
      faults: () => ({
        damage: (frame, board) => {
          const lie = board === 2 ? damageUnseen(frame, random) : undefined;
          if (lie !== undefined) lies++;
          return lie ?? frame;
        },
      }),
      onEvent: (board, event) => {
        if (board === 0 && event.event === "lost") losses.push(event.link);
      },
    });
    expect(lies).toBeGreaterThan(100);
    expect(losses.length).toBeGreaterThan(0);
    expect(new Set(losses)).toEqual(new Set(["0-2"]));
    expect(at).toBeLessThanOrEqual(1.1 * alone.at);
  });

  it("is joined by one that comes later and has the image that it receives", async () => {
    const slow = 115_200;
    const alone = await heal({ bauds: [slow] });
    const laterMs = 5_000;
    const { at, sent } = await heal({
      bauds: [slow, FAST],
      faults: (world) => ({ isCut: (wire) => wire === 1 && world.clock.now() < laterMs }),
    });
    // It hears of the board by the call that is said every 30 s on the other links.
    expect(at).toBeLessThan(36_000 + (await heal({ bauds: [FAST] })).at);
    expect(at).toBeLessThan(0.9 * alone.at);
    expect(sent[1]).toBeGreaterThan(0.3 * SIZE);
  });

  it("tells each of them that it is healed", async () => {
    const healed: number[] = [];
    await heal({
      bauds: [FAST, FAST, FAST],
      onEvent: (board, event) => {
        if (event.event === "healed") healed.push(board);
      },
    });
    // Once of itself, too.
    expect(healed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });
});
