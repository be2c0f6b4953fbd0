import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { testKey, VirtualRescue } from "../support/virtual-rescue.ts";
import { WasmRescuer } from "../support/wasm-rescuer.ts";
import { WasmState, WasmTarget } from "../support/wasm-target.ts";

const BAUD = 921_600;
const SIZE = 262_144;
const LINE = { baud: BAUD, latencyMs: 1, pieceBytes: 32 };
const RATES = [0, 1e-5, 1e-4];
const SEEDS = [1, 2, 3, 4, 5];
const LIMIT_MS = 600_000;

/** Rates of bit errors at which the second form of frames is needed. */
const BAD_RATES = [0, 3e-4, 1e-3];

type Side = "TypeScript" | "C";

/** Which sides hear the second form of frames. */
type Hunting = Readonly<Record<Side, boolean>>;
const NEITHER: Hunting = { TypeScript: false, C: false };
const BOTH: Hunting = { TypeScript: true, C: true };

/** Heals an empty board of one side by a rescuer of the other; the virtual time until the board is healed. */
function heal(rescuerSide: Side, targetSide: Side, seed: number, ber: number, hunting = NEITHER): number {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const [dead] = createMemoryPair(clock);
  const damaged = (wire: Transport, end: number): Transport =>
    ber === 0 ? wire : withFaults(wire, { ber, seed: seed * 2 + end, clock });
  const ends = [
    targetSide === "C" ? dead : damaged(near, 0),
    rescuerSide === "C" ? dead : damaged(far, 1),
  ] as const;
  const rescue = new VirtualRescue({
    ...{ clock, seed, size: SIZE, baud: BAUD, makeEnd: (end) => ends[end] },
    hunting: [hunting.TypeScript, hunting.TypeScript],
  });
  const target = targetSide === "C" ? startTarget(clock, seed, damaged(near, 0), hunting.C) : undefined;
  const random = new SeededRandom(seed + 100);
  if (rescuerSide === "C")
    new WasmRescuer(clock, random, damaged(far, 1), rescue.image, rescue.data, BAUD, hunting.C);
  const isHealed = (): boolean =>
    target === undefined ? rescue.hasEvent("finished") : target.state === WasmState.healed;
  expect(rescue.run(LIMIT_MS, isHealed)).toBe(true);
  const flashed = target === undefined ? rescue.flashed : target.slot(SIZE);
  expect(Buffer.compare(flashed, rescue.data)).toBe(0);
  expect(target?.faults ?? 0).toBe(0);
  return clock.now();
}

function startTarget(clock: VirtualClock, seed: number, wire: Transport, isHunting: boolean): WasmTarget {
  const target = new WasmTarget({
    clock,
    random: new SeededRandom(seed),
    geometry: { sectorSize: 4096, slotSize: SIZE, layout: "single" },
    nodeId: new Uint8Array(8).fill(9),
    hardware: { vendor: "acme", hardwareClass: "gate" },
    revision: 3,
    keys: [testKey.publicKey],
    baud: BAUD,
    isHunting,
  });
  target.start(wire);
  return target;
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

/** The first one compiles the C side. */
const COMPILE_MS = 120_000;
beforeAll(() => void heal("C", "C", 1, 0), COMPILE_MS);

const PAIRS = [
  ["TypeScript", "C"],
  ["C", "TypeScript"],
  ["C", "C"],
] as const;

describe.each(RATES)("256 KiB at 921600 baud and a bit-error rate of %f", (ber) => {
  let base = 0;
  beforeAll(() => {
    base = median(SEEDS.map((seed) => heal("TypeScript", "TypeScript", seed, ber)));
  });
  it.each(PAIRS)(
    "a %s rescuer heals a %s target with at least 0.9 of the goodput of two TypeScript sides",
    (rescuer, target) => {
      const ratio = base / median(SEEDS.map((seed) => heal(rescuer, target, seed, ber)));
      process.stdout.write(
        `${rescuer} to ${target} at ${ber}: ${ratio.toFixed(3)} of TypeScript to TypeScript\n`,
      );
      expect(ratio).toBeGreaterThan(0.9);
    },
  );
});

describe.each(BAD_RATES)("the same in the second form of frames, at a bit-error rate of %f", (ber) => {
  let base = 0;
  beforeAll(() => {
    base = median(SEEDS.map((seed) => heal("TypeScript", "TypeScript", seed, ber, BOTH)));
  });
  it.each(PAIRS)(
    "a %s rescuer heals a %s target with at least 0.9 of the goodput of two TypeScript sides, and 0.85 of the line",
    (rescuer, target) => {
      const time = median(SEEDS.map((seed) => heal(rescuer, target, seed, ber, BOTH)));
      const goodput = SIZE / ((time / 1000) * (BAUD / 10));
      process.stdout.write(
        `${rescuer} to ${target} at ${ber}: ${(base / time).toFixed(3)} of TypeScript to TypeScript, ${goodput.toFixed(3)} of the line\n`,
      );
      expect(base / time).toBeGreaterThan(0.9);
      expect(goodput).toBeGreaterThan(0.85);
    },
  );
});

describe.each(PAIRS.slice(0, 2))(
  "a %s rescuer and a %s target of which one knows COBS only",
  (rescuer, target) => {
    it.each(["TypeScript", "C"] as const)("heal the board, where only %s hears the second form", (hunter) => {
      const time = heal(rescuer, target, 1, 1e-5, { ...NEITHER, [hunter]: true });
      expect(time).toBeLessThan(1.1 * heal("TypeScript", "TypeScript", 1, 1e-5));
    });
  },
);
