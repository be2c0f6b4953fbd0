import { describe, expect, it } from "vitest";
import { receiveFrom } from "../../src/board/install.ts";
import { memoryBoard } from "../../src/board/memory-board.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { memoryImage } from "../../src/image/image-source.ts";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { testKey } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import { bytesOf, HARDWARE, watched } from "./support.ts";

const IDENTITY = { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 };
const POLICY = { keys: [trustedKeyOf(testKey, ["app"])], allowUnsigned: false };
const VERSION = { major: 1, minor: 0, patch: 0 };

/** How an install ends that loses power after one block and is taken up again. */
function interruptedInstall(geometry: FlashGeometry, blockSize: number, size: number) {
  const data = bytesOf(size, size);
  if (size > 70_000) data.fill(0xff, 4096, 60_000);
  const image = memoryImage(data, { ...HARDWARE, version: VERSION, blockSize }, testKey);
  const options = { geometry, identity: IDENTITY, policy: POLICY };
  const first = memoryBoard(options);
  const store = first.store();
  store.checkManifest(image.envelope);
  receiveFrom(store, image, (blocks) => blocks === 1);
  store.abandon();
  const again = memoryBoard({ ...options, storage: first.storage }).store();
  again.checkManifest(image.envelope);
  const { isComplete } = receiveFrom(again, image);
  return isComplete ? again.commit().tag : "incomplete";
}

describe("what was tried and held", () => {
  const sectors = [1024, 4096, 65_536, 262_144];
  const blocks = [1024, 4096, 65_536];
  it.each(sectors.flatMap((sector) => blocks.map((block) => [sector, block] as const)))(
    "installs after an interruption with sectors of %i and blocks of %i, whatever else the flash is like",
    (sectorSize, blockSize) => {
      const bad: string[] = [];
      let done = 0;
      const writeSizes = [1, 32, 64, 256].filter((size) => size * 32 <= sectorSize);
      for (const writeSize of writeSizes)
        for (const erasedByte of [0xff, 0x00] as const)
          for (const layout of ["single", "ab"] as const)
            for (const size of [1, 31, 1025, 65_535, 65_537, 300_001]) {
              const geometry = { sectorSize, slotSize: 400_000, layout, writeSize, erasedByte };
              const outcome = interruptedInstall(geometry, blockSize, size);
              if (outcome !== "bootable") bad.push(JSON.stringify({ ...geometry, size, outcome }));
              done++;
            }
      expect(bad).toEqual([]);
      expect(done).toBe(writeSizes.length * 24);
    },
  );

  it.each([
    [262_144, 65_536],
    [262_144, 1024],
    [1024, 65_536],
    [4096, 32_768],
  ])("heals in whole sessions with sectors of %i and blocks of %i, at any size", (sectorSize, blockSize) => {
    for (const size of [1, 65_537, 300_001, 524_288]) {
      const data = bytesOf(size, size);
      const options = { seed: 1, data, slotSize: 524_288, sectorSize, blockSize, baud: 921_600 };
      const { rescue } = watched(() => options);
      expect({ size, isHealed: rescue.run(120_000) }).toEqual({ size, isHealed: true });
    }
  });

  it("heals a target that says the same boot nonce at each of four restarts", () => {
    const bootNonce = new Uint8Array(8).fill(9);
    const { rescue } = watched(() => ({ seed: 1, data: bytesOf(2, 262_144), bootNonce }));
    for (let i = 0; i < 4; i++) {
      rescue.run(5_000);
      rescue.restartTarget();
    }
    expect(rescue.run(120_000)).toBe(true);
  });

  it.for([
    { deadMs: 4_000, ends: [1], ber: 0 },
    { deadMs: 9_900, ends: [0], ber: 1e-3 },
    { deadMs: 18_000, ends: [0, 1], ber: 1e-3 },
  ])(
    "takes no packet for another when 12-bit numbers wrap around an outage: $deadMs ms, $ends, $ber",
    ({ deadMs, ends, ber }) => {
      const { rescue } = watched((clock) => ({
        seed: 1,
        data: bytesOf(2, 524_288),
        baud: 3_000_000,
        wrap: (wire, end) => {
          const broken = wrappedTransport(wire, {
            onBytes: (bytes, handlers) => {
              const since = (clock.now() - 1_500) % 20_000;
              if (clock.now() < 1_500 || since >= deadMs || !ends.includes(end)) handlers.onBytes(bytes);
            },
          });
          return ber === 0 ? broken : withFaults(broken, { seed: 9 + end, clock, ber });
        },
      }));
      // The flash oracle of every rescue objects to a byte that is not the image's.
      expect(rescue.run(400_000)).toBe(true);
      expect(rescue.targetEnd.counters.framesReceived).toBeGreaterThan(100);
      expect(rescue.targetEnd.counters.duplicates).toBe(0);
    },
  );

  it("moves little of an image of 64 MiB with one sector spoilt", () => {
    const size = 64 << 20;
    const data = new Uint8Array(size);
    const piece = bytesOf(1, 1 << 20);
    for (let at = 0; at < size; at += piece.length) {
      data.set(piece, at);
      data[at] = (at / piece.length) & 255;
    }
    const slot = data.slice();
    slot.set(bytesOf(3, 4096), 123_456 * 256);
    const options = { seed: 1, data, slot, blockSize: 1024, baud: 921_600 };
    const { rescue, clock } = watched(() => options);
    expect(rescue.run(600_000)).toBe(true);
    expect(rescue.rescuerEnd.counters.bytesSent).toBeLessThan(12_000);
    expect(clock.now()).toBeLessThan(2_000);
  });
});
