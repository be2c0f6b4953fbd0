import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { STM32F4 } from "../support/stm32f4.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";

const KIB = 1024;
/** An STM32F4 of 1 MiB, programmed in words. */
const F4: FlashGeometry = { ...STM32F4, writeSize: 4 };
const LARGE: FlashGeometry = {
  sectorSize: 256 * KIB,
  slotSize: 700 * KIB,
  layout: "single",
  manifests: "record",
};
const FLASHES: readonly (readonly [string, FlashGeometry, number])[] = [
  ["an STM32F4's sectors", F4, 960 * KIB],
  [
    "an STM32F4's sectors and manifests in their own",
    { ...F4, manifests: "own", slotSize: 768 * KIB },
    700_001,
  ],
  ["sectors of 256 KiB, single", LARGE, 700 * KIB],
  ["sectors of 256 KiB, ab", { ...LARGE, layout: "ab" }, 500_001],
];

const random = (size: number, seed: number): Uint8Array => randomBytes(new SeededRandom(seed), size);

function rescueOf(
  geometry: FlashGeometry,
  size: number,
  more: Partial<VirtualRescueOptions> = {},
): VirtualRescue {
  const data = random(size, 1);
  return new VirtualRescue({ seed: 1, data, geometry, blockSize: 4 * KIB, baud: 3_000_000, ...more });
}

/** Both sides know of the end, and the flash holds every byte of the image and boots it. */
function expectHealed(rescue: VirtualRescue): void {
  expect(rescue.run()).toBe(true);
  expect(equalBytes(rescue.flashed, rescue.data)).toBe(true);
  rescue.restartTarget();
  expect(rescue.board.boot()).toMatchObject({ tag: "boot", slot: 0 });
}

describe("a board with large sectors", () => {
  it.each(FLASHES)("is healed byte for byte: %s", (_name, geometry, size) => {
    const slot = random(geometry.slotSize, 2);
    expectHealed(rescueOf(geometry, size, { slot }));
  });

  it.each(FLASHES)("is healed on a bad line with power for 6 s at a time: %s", (_name, geometry) => {
    const rescue = rescueOf(geometry, 600_000, { faults: { ber: 1e-6 }, baud: 921_600 });
    let restarts = 0;
    while (!rescue.run(6000, () => rescue.isOver || rescue.board.boot().tag === "boot")) {
      rescue.restartTarget();
      restarts++;
    }
    expect(restarts).toBeGreaterThan(0);
    expect(equalBytes(rescue.flashed, rescue.data)).toBe(true);
  });

  it("gets no more over the wire than the sector that is wrong, of an STM32F4", () => {
    const data = random(960 * KIB, 1);
    const slot = data.slice();
    // Within the first sector of the slot, which has 64 KiB.
    slot.fill(0, 5000, 5100);
    const rescue = rescueOf(F4, data.length, { slot });
    expectHealed(rescue);
    expect(rescue.bytesOnWire).toBeGreaterThan(64 * KIB);
    expect(rescue.bytesOnWire).toBeLessThan(80 * KIB);
    const { sectors } = rescue.board.nor.map;
    expect(sectors.region(4).size).toBe(64 * KIB);
  });
});
