import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

const BLOCKS = 64;
const BLOCK = 4096;
const DATA = randomBytes(new SeededRandom(5), BLOCKS * BLOCK);

interface Counted {
  readonly written: number;
  readonly missing: number;
}

/** What both sides tell of a rescue, in order. */
function told(options: Partial<VirtualRescueOptions>): {
  readonly target: Counted[];
  readonly rescuer: Counted[];
} {
  const target: Counted[] = [];
  const rescue = new VirtualRescue({
    ...{ seed: 1, data: DATA, ...options },
    onTargetEvent: (event, proceed) => {
      if (event.tag === "progress") {
        const { plan, blocks, blocksRight } = event.descent;
        target.push({ written: blocks.written, missing: plan.leafCount - blocksRight + blocks.written });
      }
      proceed();
    },
  });
  expect(rescue.run(600_000)).toBe(true);
  const rescuer = rescue.rescuerEvents.flatMap((event) => (event.tag === "progress" ? [event] : []));
  return { target, rescuer };
}

function damaged(...blocks: readonly number[]): Uint8Array {
  const slot = DATA.slice();
  for (const block of blocks) slot.fill(0, block * BLOCK, block * BLOCK + 10);
  return slot;
}

describe("progress of a repair is counted in missing blocks on both sides", () => {
  it.each([[[3]], [[0, 17, 63]], [[1, 2, 3, 4, 5, 6, 7, 8, 9]]])("with blocks %j damaged", (blocks) => {
    const { target, rescuer } = told({ slot: damaged(...blocks) });
    const all = { written: blocks.length, missing: blocks.length };
    expect(target.at(-1)).toEqual(all);
    expect(rescuer.at(-1)).toMatchObject(all);
    // No more than the image, and never fewer missing than written.
    for (const { written, missing } of [...target, ...rescuer]) {
      expect(written).toBeLessThanOrEqual(missing);
      expect(missing).toBeLessThanOrEqual(BLOCKS);
    }
    // The target can only find that less is missing.
    const missing = target.map((counted) => counted.missing);
    expect(missing).toEqual(missing.toSorted((a, b) => b - a));
  });

  it("and of a whole installation in all blocks from the start", () => {
    const { target, rescuer } = told({});
    expect(target[0]).toEqual({ written: 0, missing: BLOCKS });
    expect(rescuer[0]).toMatchObject({ written: 0, missing: BLOCKS });
    expect(rescuer.at(-1)).toMatchObject({ written: BLOCKS, missing: BLOCKS });
  });
});
