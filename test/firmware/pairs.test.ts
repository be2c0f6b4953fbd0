import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { VirtualRescue, testKey } from "../support/virtual-rescue.ts";
import { WasmState, WasmTarget } from "../support/wasm-target.ts";

const BAUD = 921_600;
const SIZE = 262_144;
const LINE = { baud: BAUD, latencyMs: 1, pieceBytes: 32 };

/** A TypeScript rescuer and a C target on one wire; the virtual time until both know of the end. */
function healC(seed: number, bitErrorRate: number, size = SIZE): { rescue: VirtualRescue; target: WasmTarget; ms: number } {
  const clock = new VirtualClock();
  const [near, far] = createMemoryPair(clock, { aToB: LINE, bToA: LINE });
  const [dead] = createMemoryPair(clock);
  const faults = bitErrorRate > 0 ? { ber: bitErrorRate } : undefined;
  const rescue = new VirtualRescue({
    clock, seed, size, baud: BAUD, makeEnd: (end) => (end === 0 ? dead : far), ...(faults && { faults }),
  });
  const target = new WasmTarget({
    clock,
    random: new SeededRandom(seed),
    geometry: { sectorSize: 4096, slotSize: size, layout: "single" },
    nodeId: new Uint8Array(8).fill(9),
    hardware: { vendor: "acme", hardwareClass: "gate" },
    revision: 3,
    keys: [testKey.publicKey],
    baud: BAUD,
  });
  target.start(faults === undefined ? near : withFaults(near, { ...faults, seed: seed * 2 + 5, clock }));
  rescue.run(600_000, () => target.state === WasmState.healed);
  return { rescue, target, ms: clock.now() };
}

function healTs(seed: number, bitErrorRate: number, size = SIZE): number {
  const faults = bitErrorRate > 0 ? { faults: { ber: bitErrorRate } } : {};
  const rescue = new VirtualRescue({ seed, size, baud: BAUD, ...faults });
  rescue.run(600_000);
  return rescue.clock.now();
}

describe("a C target and a TypeScript rescuer", () => {
  for (const rate of [0, 1e-5, 1e-4]) {
    it(`heal at a bit-error rate of ${rate} with at least 0.9 of the goodput of two TypeScript sides`, () => {
      const times: number[] = [];
      const base: number[] = [];
      for (let seed = 1; seed <= 5; seed++) {
        const { rescue, target, ms } = healC(seed, rate);
        expect(target.state).toBe(WasmState.healed);
        expect(Buffer.compare(target.slot(SIZE), rescue.data)).toBe(0);
        expect(target.faults).toBe(0);
        times.push(ms);
        base.push(healTs(seed, rate));
      }
      const median = (all: number[]): number => all.toSorted((a, b) => a - b)[2] ?? 0;
      process.stdout.write(`BER ${rate}: C ${median(times).toFixed(0)} ms, TypeScript ${median(base).toFixed(0)} ms\n`);
      expect(median(base) / median(times)).toBeGreaterThan(0.9);
    });
  }
});
