import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { type ByteFate, i2cFaultAt, randomI2cFaults } from "../../../src/sim/wires/i2c-bus-faults.ts";
import { I2cMemoryBus, type MemoryBusOptions } from "../../../src/sim/wires/memory-i2c-bus.ts";
import type { I2cPeripheralHandler } from "../../../src/transport/i2c/bus.ts";
import { codeOf } from "../../support/recorder.ts";
import { passUntil } from "../../support/virtual-time.ts";

/** Keeps what is written, answers 0x10, 0x11, ... */
class Notes implements I2cPeripheralHandler {
  readonly written: string[] = [];
  readonly #first: number;

  constructor(first = 0x10) {
    this.#first = first;
  }

  onWrite(bytes: Uint8Array): boolean {
    this.written.push(toHex(bytes));
    return true;
  }

  onRead(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => (this.#first + i) & 0xff);
  }
}

interface Bench {
  readonly bus: I2cMemoryBus;
  readonly notes: Notes;
  /** Lets a transaction run; its result and what it took, in milliseconds. */
  run<T>(start: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }>;
  code(start: () => Promise<unknown>): Promise<unknown>;
}

function bench(options: MemoryBusOptions = {}): Bench {
  const clock = new VirtualClock();
  const bus = new I2cMemoryBus(clock, options);
  const notes = new Notes();
  bus.attach(0x42, notes);
  const run: Bench["run"] = async (start) => {
    const from = clock.now();
    let isOver = false;
    const promise = start().finally(() => {
      isOver = true;
    });
    await Promise.all([passUntil(clock, () => isOver, 60_000), promise.catch(() => {})]);
    return { result: await promise, ms: clock.now() - from };
  };
  return { bus, notes, run, code: (start) => codeOf(() => run(start)) };
}

describe("the time that a transaction takes", () => {
  it.each([
    [400_000, 1024, (2 + 9 * 1025) / 400],
    [400_000, 32, (2 + 9 * 33) / 400],
    [100_000, 1, (2 + 9 * 2) / 100],
  ])("at %i Hz, %i bytes: nine clocks for each and the address, two around", async (clockHz, length, ms) => {
    const { bus, run } = bench({ clockHz });
    expect((await run(() => bus.write(0x42, new Uint8Array(length)))).ms).toBeCloseTo(ms, 9);
    expect((await run(() => bus.read(0x42, length))).ms).toBeCloseTo(ms, 9);
    expect(bus.figures).toMatchObject({ transactions: 2, bytes: 2 * (length + 1) });
    expect(bus.figures.busyMs).toBeCloseTo(2 * ms, 9);
  });

  it("is that of the address alone when no peripheral is there, with the gap added", async () => {
    const { bus, run, code } = bench({ gapMs: 3 });
    expect((await run(() => bus.read(0x42, 1))).ms).toBeCloseTo(3 + 20 / 400, 9);
    expect(await code(() => bus.read(0x43, 100))).toBe("i2c-nack");
    expect(bus.figures.bytes).toBe(3);
  });
});

describe("what a bus in memory carries", () => {
  it("is what was written and what the peripheral answers", async () => {
    const { bus, notes, run } = bench();
    await run(() => bus.write(0x42, Uint8Array.of(1, 2, 3)));
    expect(notes.written).toEqual(["010203"]);
    expect(toHex((await run(() => bus.read(0x42, 3))).result)).toBe("101112");
  });

  it("is low in each bit that one of two peripherals at one address pulls low", async () => {
    const { bus, run } = bench();
    const disconnect = bus.attach(0x42, new Notes(0x21));
    expect(toHex((await run(() => bus.read(0x42, 3))).result)).toBe("000002");
    disconnect();
    expect(toHex((await run(() => bus.read(0x42, 3))).result)).toBe("101112");
  });

  it("is no longer than the adapter allows", async () => {
    const { bus, code } = bench({ adapterMax: 100 });
    expect(await code(() => bus.read(0x42, 101))).toBe("i2c-too-long");
    const hung = bench({ adapterMax: 100, tooLongKind: "timeout" });
    expect(await hung.code(() => hung.bus.write(0x42, new Uint8Array(101)))).toBe("i2c-timeout");
  });
});

describe("faults of a bus in memory", () => {
  // Byte 0 is the address, byte 3 the third of the data.
  it.each([
    [{ tag: "nack" }, "i2c-nack", ["aabbcc"]],
    [{ tag: "timeout" }, "i2c-timeout", ["aabb"]],
    [{ tag: "arbitration" }, "i2c-arbitration", ["aabb"]],
    [{ tag: "stuck", lastsMs: 5 }, "i2c-stuck", ["aabb"]],
  ] as const)("cut a write short at the byte they hit: %o", async (fate, expected, written) => {
    const { bus, notes, code } = bench({ faults: i2cFaultAt(3, fate) });
    expect(await code(() => bus.write(0x42, Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd)))).toBe(expected);
    expect(notes.written).toEqual(written);
  });

  it.each([{ tag: "nack" }, { tag: "timeout" }] as const)(
    "in the address reach no peripheral: %o",
    async (fate: ByteFate) => {
      const { bus, notes, code } = bench({ faults: i2cFaultAt(0, fate) });
      expect(await code(() => bus.write(0x42, Uint8Array.of(1)))).toBe(`i2c-${fate.tag}`);
      expect(notes.written).toEqual([]);
    },
  );

  it("flip exactly the bits given, and reach no peripheral when in the address", async () => {
    const flipped = bench({ faults: i2cFaultAt(2, { tag: "flip", mask: 0x81 }) });
    expect(toHex((await flipped.run(() => flipped.bus.read(0x42, 3))).result)).toBe("109012");
    const astray = bench({ faults: i2cFaultAt(0, { tag: "flip", mask: 2 }) });
    expect(await astray.code(() => astray.bus.read(0x42, 3))).toBe("i2c-nack");
  });

  it("keep a stuck bus stuck for as long as they say", async () => {
    const { bus, run, code } = bench({ faults: i2cFaultAt(0, { tag: "stuck", lastsMs: 3 }) });
    expect(await code(() => bus.read(0x42, 1))).toBe("i2c-stuck");
    for (let i = 0; i < 3; i++) expect(await code(() => bus.read(0x42, 1))).toBe("i2c-stuck");
    expect((await run(() => bus.read(0x42, 1))).result.length).toBe(1);
  });

  it("come from the seed, about as often as asked for", () => {
    const fates = (seed: number): string[] => {
      const faults = randomI2cFaults(seed, {
        ber: 1e-3,
        nack: 0.01,
        stuck: { probability: 0.002, lastsMs: 7 },
      });
      return Array.from({ length: 100_000 }, (_, i) => JSON.stringify(faults.fateOf(i)));
    };
    const [one, again, other] = [fates(1), fates(1), fates(2)];
    expect(one).toEqual(again);
    expect(one).not.toEqual(other);
    const share = (part: string): number => one.filter((fate) => fate?.includes(part)).length / one.length;
    expect(share("flip")).toBeCloseTo(0.008, 2);
    expect(share("nack")).toBeCloseTo(0.01, 2);
    expect(share("stuck")).toBeGreaterThan(0.001);
    expect(share("stuck")).toBeLessThan(0.003);
  });
});
