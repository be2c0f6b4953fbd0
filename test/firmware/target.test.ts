import { beforeAll, describe, expect, it } from "vitest";
import { randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { testKey, VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { WasmState, WasmTarget, type WasmTargetOptions } from "../support/wasm-target.ts";

const KIB = 1024;
const BAUD = 115_200;
const LINE = { baud: BAUD, latencyMs: 1, pieceBytes: 32 };

interface Shape {
  readonly name: string;
  readonly geometry: FlashGeometry;
  readonly size: number;
  readonly blockSize: number;
  readonly target?: Partial<WasmTargetOptions>;
}

const F4 = [
  { count: 4, size: 4 * KIB },
  { count: 1, size: 16 * KIB },
  { count: 7, size: 32 * KIB },
];

const SHAPES: readonly Shape[] = [
  shape(
    "blocks as large as sectors",
    { sectorSize: 4096, slotSize: 64 * KIB, layout: "single" },
    60_001,
    4096,
  ),
  shape(
    "one block buffer of 1 KiB and payloads of 64 bytes",
    { sectorSize: 1024, slotSize: 40 * KIB, layout: "single" },
    40_960,
    1024,
    {
      blockBytes: 1060,
      payloadMax: 64,
    },
  ),
  shape("sectors of four blocks", { sectorSize: 8192, slotSize: 96 * KIB, layout: "single" }, 90_000, 2048),
  shape(
    "sectors of 64 blocks and one buffer",
    { sectorSize: 65_536, slotSize: 128 * KIB, layout: "single", writeSize: 256 },
    130_000,
    1024,
    {
      blockBytes: 1060,
    },
  ),
  shape(
    "blocks of four sectors",
    { sectorSize: 1024, slotSize: 64 * KIB, layout: "single", writeSize: 4 },
    65_536,
    4096,
  ),
  shape(
    "unequal sectors with manifests in the record",
    {
      sectors: F4,
      slotSize: 70_000,
      layout: "single",
      recoverySize: 8192,
      manifests: "record",
      writeSize: 4,
    },
    70_000,
    4096,
  ),
  shape("two slots", { sectorSize: 4096, slotSize: 48 * KIB, layout: "ab" }, 48_000, 2048),
  shape(
    "two slots of unequal sectors",
    {
      sectors: [
        { count: 4, size: 8 * KIB },
        { count: 12, size: 16 * KIB },
      ],
      slotSize: 60_000,
      layout: "ab",
      recoverySize: 8192,
      manifests: "record",
    },
    50_000,
    4096,
  ),
  shape(
    "erased bytes of zeros",
    { sectorSize: 2048, slotSize: 50_000, layout: "single", erasedByte: 0 },
    50_000,
    2048,
  ),
  shape(
    "a board that is deaf while it writes",
    { sectorSize: 4096, slotSize: 64 * KIB, layout: "single" },
    64_000,
    4096,
    { isDeaf: true },
  ),
  shape("an image of one block", { sectorSize: 4096, slotSize: 8 * KIB, layout: "single" }, 1500, 2048),
];

function shape(
  name: string,
  geometry: FlashGeometry,
  size: number,
  blockSize: number,
  target?: Partial<WasmTargetOptions>,
): Shape {
  return { name, geometry, size, blockSize, ...(target && { target }) };
}

/** A C board and a TypeScript rescuer on one wire in virtual time. */
class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly rescue: VirtualRescue;
  readonly target: WasmTarget;
  readonly #near: ReturnType<typeof createMemoryPair>[0];
  readonly #seed: number;
  readonly #ber: number;

  constructor(shape: Shape, seed: number, ber: number, options: Partial<VirtualRescueOptions> = {}) {
    const [near, far] = createMemoryPair(this.clock, { aToB: LINE, bToA: LINE });
    const [dead] = createMemoryPair(this.clock);
    this.#near = near;
    this.#seed = seed;
    this.#ber = ber;
    this.rescue = new VirtualRescue({
      clock: this.clock,
      seed,
      size: shape.size,
      blockSize: shape.blockSize,
      baud: BAUD,
      makeEnd: (end) => (end === 0 ? dead : far),
      ...(ber > 0 ? { faults: { ber } } : {}),
      ...options,
    });
    this.target = new WasmTarget({
      clock: this.clock,
      random: new SeededRandom(seed),
      geometry: shape.geometry,
      nodeId: new Uint8Array(8).fill(9),
      hardware: { vendor: "acme", hardwareClass: "gate" },
      revision: 3,
      keys: [testKey.publicKey],
      baud: BAUD,
      blockBytes: 16 * (shape.blockSize + shape.blockSize / 256 + 32),
      ...shape.target,
    });
  }

  start(): void {
    this.target.start(
      this.#ber === 0
        ? this.#near
        : withFaults(this.#near, { ber: this.#ber, seed: this.#seed * 2 + 5, clock: this.clock }),
    );
  }

  /** Runs until the board is healed, or `limitMs` have passed. */
  run(limitMs = 600_000): boolean {
    return this.rescue.run(limitMs, () => this.target.state === WasmState.healed);
  }

  check(): void {
    expect(this.target.state).toBe(WasmState.healed);
    expect(Buffer.compare(this.target.slot(this.rescue.data.length), this.rescue.data)).toBe(0);
    expect(this.target.faults).toBe(0);
  }
}

describe("a C target in virtual time", () => {
  // The first one compiles it.
  beforeAll(() => new Bench(SHAPES[0] as Shape, 1, 0).start(), 120_000);

  it.each(SHAPES)("is installed byte-exactly: $name", (shape) => {
    const bench = new Bench(shape, 1, 0);
    bench.start();
    bench.run();
    bench.check();
    // After a restart it boots, and calls no more.
    bench.start();
    expect(bench.target.failure).toBe(0);
  });

  it.each(SHAPES)("is repaired where a few bytes differ, and takes few blocks: $name", (shape) => {
    const bench = new Bench(shape, 2, 0);
    bench.start();
    bench.run();
    const slot = bench.target.slot(shape.size);
    const random = new SeededRandom(77);
    for (let i = 0; i < 3; i++) {
      const at = randomBelow(random, shape.size);
      slot[at] = (slot[at] ?? 0) ^ 0x10;
    }
    bench.start();
    expect(bench.target.failure).toBe(3);
    bench.run();
    bench.check();
    // All of it in one session: no block of a unit that is rewritten was forgotten.
    expect(bench.target.report.sessions).toBe(1);
  });

  it.each(SHAPES)("is healed over a line of 1e-4 bit errors through 12 power losses: $name", (shape) => {
    for (let seed = 1; seed <= 3; seed++) {
      const bench = new Bench(shape, seed, 1e-4);
      const random = new SeededRandom(seed);
      for (let start = 0; start < 12; start++) {
        bench.start();
        bench.run(200 + randomBelow(random, 3000));
        bench.target.kill();
      }
      bench.start();
      if (bench.target.failure !== 0) bench.run();
      expect(bench.target.failure).toBe(0);
      expect(Buffer.compare(bench.target.slot(shape.size), bench.rescue.data)).toBe(0);
      expect(bench.target.faults).toBe(0);
    }
  });
});
