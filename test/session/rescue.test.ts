import { describe, expect, it } from "vitest";
import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { generateKeyPair, signingKeyFromPem } from "../../src/image-files/pem-keys.ts";
import { testKey, VirtualRescue } from "../support/virtual-rescue.ts";

const random = (size: number, seed = 7): Uint8Array => randomBytes(new SeededRandom(seed), size);
const stranger = signingKeyFromPem(generateKeyPair().privatePem);

/** The slot's contents with one sector spoilt. */
function spoilt(data: Uint8Array, sector: number): Uint8Array {
  const slot = data.slice();
  for (let i = 4096 * sector; i < Math.min(slot.length, 4096 * (sector + 1)); i++)
    slot[i] = (slot[i] ?? 0) ^ 0x5a;
  return slot;
}

/** Share of the line's bytes that carried the image, from ACCEPT to DONE. */
function goodput(rescue: VirtualRescue, baud: number): number {
  const start = { accepted: 0, healed: 0 };
  rescue.run(3_600_000, () => {
    for (const { tag } of rescue.rescuerEvents.splice(0)) {
      if (tag === "accepted" || tag === "healed") start[tag] = rescue.clock.now();
    }
    return start.healed > 0;
  });
  return (rescue.data.length * 10_000) / baud / (start.healed - start.accepted);
}

describe("a rescue over a clean wire", () => {
  it.each([
    [1, 1024, 4096],
    [31, 1024, 4096],
    [4096, 4096, 4096],
    [4097, 4096, 4096],
    [65_536, 4096, 4096],
    [100_000, 1024, 4096],
    [100_001, 4096, 65_536],
    [300_000, 65_536, 4096],
  ])("heals an empty slot: %i bytes, blocks of %i, sectors of %i", (size, blockSize, sectorSize) => {
    const rescue = new VirtualRescue({ seed: 1, size, blockSize, sectorSize });
    expect(rescue.run(120_000)).toBe(true);
    expect(rescue.board.boot()).toMatchObject({ tag: "boot" });
    expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
  });

  it.each([
    [9600, 16_384, 1],
    [115_200, 65_536, 1],
    [921_600, 262_144, 1],
    [921_600, 262_144, 16],
    [3_000_000, 262_144, 1],
  ])("uses 93 %% of a line of %i baud (%i bytes, %i ms)", (baud, size, latencyMs) => {
    expect(goodput(new VirtualRescue({ seed: 2, size, baud, latencyMs }), baud)).toBeGreaterThan(0.93);
  });

  it("moves under 12 KiB in all for one spoilt sector of 3.6 MB", () => {
    const data = random(3_653_632);
    const rescue = new VirtualRescue({ seed: 3, data, slot: spoilt(data, 500) });
    expect(rescue.run()).toBe(true);
    expect(Buffer.compare(rescue.flashed, data)).toBe(0);
    expect(rescue.bytesOnWire).toBeLessThan(12_288);
  });

  it("sends no data for blocks of one value", () => {
    const data = new Uint8Array(1 << 20).fill(0xff).fill(0x00, 4096, 600_000);
    const rescue = new VirtualRescue({ seed: 4, data, slot: random(1 << 20) });
    expect(rescue.run()).toBe(true);
    expect(Buffer.compare(rescue.flashed, data)).toBe(0);
    expect(rescue.bytesOnWire).toBeLessThan(8192);
  });

  it("rewrites nothing when flash already holds the image and only the record is lost", () => {
    const data = random(65_536);
    const rescue = new VirtualRescue({ seed: 5, data, slot: data });
    expect(rescue.run()).toBe(true);
    expect(rescue.bytesOnWire).toBeLessThan(2048);
  });
});

describe("a restart in mid-transfer", () => {
  const SIZE = 65_536;
  /** One window, the open blocks and one repair unit; the open blocks are those partly sent. */
  const RESENT_MAX = 8192 + 4 * 4096 + 4096;

  it.each(["target", "rescuer"] as const)("of the %s lets the transfer resume where it was", (side) => {
    for (let seed = 0; seed < 40; seed++) {
      const rescue = new VirtualRescue({ seed, size: SIZE });
      const at = 20 + randomBelow(new SeededRandom(seed), 680);
      rescue.run(at, () => false);
      const isOver = rescue.isOver;
      if (side === "target") rescue.restartTarget();
      else rescue.restartRescuer();
      if (isOver) continue;
      expect(
        rescue.run(60_000, () => rescue.board.boot().tag === "boot"),
        `seed ${seed}, restart at ${at} ms`,
      ).toBe(true);
      expect(Buffer.compare(rescue.flashed, rescue.data)).toBe(0);
      expect(rescue.bytesOnWire, `seed ${seed}, restart at ${at} ms`).toBeLessThan(SIZE * 1.06 + RESENT_MAX);
    }
  });
});

describe("a refusal", () => {
  const SIZE = 16_384;
  it.each([
    ["signature", { signer: stranger }],
    ["unsigned", { signer: undefined }],
    ["hardware", { fields: { hardwareClass: "other" } }],
    ["hardware", { fields: { revisionMin: 4, revisionMax: 9 } }],
    ["role", { fields: { role: "recovery" as const } }],
    ["size", { slotSize: 8192 }],
  ] as const)("for %s reaches both sides and leaves flash alone", (reason, options) => {
    const rescue = new VirtualRescue({ seed: 6, size: SIZE, trusts: [testKey], ...options });
    const { erases, programs } = { ...rescue.board.nor.counters };
    rescue.run(60_000, () => rescue.rescuerEvents.some(({ tag }) => tag === "refused"));
    expect(rescue.targetEvents).toContainEqual(expect.objectContaining({ tag: "refused", reason }));
    expect(rescue.rescuerEvents).toContainEqual(expect.objectContaining({ tag: "refused", reason }));
    expect(rescue.board.nor.counters).toMatchObject({ erases, programs });
  });

  it("is not followed by the same offer again and again", () => {
    const rescue = new VirtualRescue({ seed: 7, size: SIZE, signer: stranger });
    rescue.run(50_000, () => false);
    expect(rescue.targetEvents.filter(({ tag }) => tag === "refused")).toHaveLength(1);
  });
});
