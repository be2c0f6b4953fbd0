import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Region } from "../../src/flash/geometry.ts";
import { VirtualRescue } from "../support/virtual-rescue.ts";

const SIZE = 262_144;
/** One 4 KiB block takes 0.36 s at this rate. */
const BAUD = 115_200;

interface Outcome {
  readonly seconds: number;
  readonly powerUps: number;
  /** Most erases of one sector of the slot, and of one of the boot record. */
  readonly slotWear: number;
  readonly recordWear: number;
  readonly bytes: number;
}

/** A rescue of a board whose power goes every `periodMs`, until it is over. */
function rescueWithLosses(seed: number, periodMs: number): Outcome {
  const rescue = new VirtualRescue({ seed, size: SIZE, baud: BAUD });
  const { map } = rescue.board.nor;
  const wear = new Uint32Array(map.sectors.count);
  const note = (): void => {
    for (const sector of wear.keys()) wear[sector] = (wear[sector] ?? 0) + rescue.board.nor.wear(sector);
  };
  let powerUps = 1;
  // A board that boots is not in recovery any more: it finishes on its own, or is found healthy.
  while (!rescue.run(periodMs, () => rescue.isOver || rescue.board.boot().tag === "boot")) {
    note();
    if (powerUps > 2000) throw new Error(`seed ${seed}: never over with power for ${periodMs} ms`);
    rescue.restartTarget();
    powerUps++;
  }
  note();
  expect(rescue.board.boot().tag).toBe("boot");
  expect(equalBytes(rescue.flashed, rescue.data)).toBe(true);
  const most = ({ offset, size }: Region): number => {
    const { first, last } = map.sectors.range(offset, size);
    return Math.max(...wear.subarray(first, last + 1));
  };
  const [slot] = map.slots;
  return {
    seconds: rescue.clock.now() / 1000,
    powerUps,
    slotWear: slot === undefined ? 0 : most(slot),
    recordWear: Math.max(...map.record.map(most)),
    bytes: rescue.bytesOnWire,
  };
}

describe("power that fails again and again", () => {
  it.each([
    // A start takes about a second until its first block is whole: discovery, manifest, hashes, 0.36 s of data.
    [1500, 60],
    [2000, 26],
    [5000, 8],
    [10_000, 4],
  ])("every %d ms still lets the transfer finish, in %d starts or fewer", (periodMs, startsMax) => {
    for (const seed of [1, 2, 3]) {
      const outcome = rescueWithLosses(seed, periodMs);
      const name = `seed ${seed}: ${JSON.stringify(outcome)}`;
      expect(outcome.powerUps, name).toBeLessThanOrEqual(startsMax);
      // Each start writes the open unit again, and the two record sectors a few times each.
      expect(outcome.slotWear, name).toBeLessThanOrEqual(outcome.powerUps);
      expect(outcome.recordWear, name).toBeLessThanOrEqual(4 * outcome.powerUps + 4);
    }
  });
});
