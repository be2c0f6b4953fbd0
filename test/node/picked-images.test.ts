import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { fixedRepository, type Repository } from "../../src/image/repository.ts";
import { runDistress } from "../../src/node/distress-node.ts";
import { runRescue } from "../../src/node/rescue-node.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { OPEN_HARDWARE, openBoardInMemory } from "../support/open-board.ts";
import { inVirtualTime } from "../support/virtual-time.ts";

const LINE = { baud: 115_200, latencyMs: 1 };
const SIZE = 8_192;

/** A repository whose picks take `pickMs`, and what it gave out and got back. */
function countingRepository(
  clock: VirtualClock,
  pickMs: number,
): { repository: Repository; held: Map<ImageSource, number>; opened: () => number } {
  const data = randomBytes(new SeededRandom(1), SIZE);
  const version = { major: 1, minor: 0, patch: 0 };
  const fixed = fixedRepository([memoryImage(data, { ...OPEN_HARDWARE, version }, undefined)]);
  const held = new Map<ImageSource, number>();
  let opened = 0;
  const add = (image: ImageSource, by: number): void => {
    held.set(image, (held.get(image) ?? 0) + by);
  };
  const repository: Repository = {
    ...fixed,
    pick: async (criteria) => {
      await new Promise<void>((resolve) => void clock.after(pickMs, resolve));
      return await fixed.pick(criteria);
    },
    open: async (digest) => {
      const image = await fixed.open(digest);
      opened++;
      add(image, 1);
      return image;
    },
    release: async (image) => add(image, -1),
  };
  return { repository, held, opened: () => opened };
}

async function rescueUntil(stopMs: number, pickMs: number): Promise<ReturnType<typeof countingRepository>> {
  const clock = new VirtualClock();
  const counted = countingRepository(clock, pickMs);
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const stop = new AbortController();
  clock.after(stopMs, () => stop.abort());
  const common = { signal: stop.signal, timeoutMs: 60_000, clock, onEvent: () => {} };
  const board = openBoardInMemory({ slotSize: SIZE });
  await inVirtualTime(
    clock,
    Promise.all([
      runDistress({ ...common, links: [near], store: board.store() }),
      runRescue({
        ...common,
        links: [far],
        repository: counted.repository,
        allowUnsigned: true,
        once: false,
      }),
    ]),
  );
  return counted;
}

describe("an image that a rescuer opened", () => {
  it.each([
    ["while it was still picked", 200, 500],
    ["in the middle of a session", 700, 50],
    ["after a board was healed", 30_000, 50],
  ])("goes back to the repository when the run ends %s", async (_when, stopMs, pickMs) => {
    const { held, opened } = await rescueUntil(stopMs, pickMs);
    expect(opened()).toBeGreaterThan(0);
    expect([...held.values()]).toEqual([0]);
  });
});
