import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { createMemoryPair, type MemoryPairOptions } from "../../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../../src/transport/transport.ts";
import { Recorder, until } from "../../support/recorder.ts";

/** Records when each delivery came. */
class TimedRecorder extends Recorder {
  readonly times: number[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    super();
    this.#clock = clock;
  }

  override onBytes(bytes: Uint8Array): void {
    super.onBytes(bytes);
    this.times.push(this.#clock.now());
  }

  override onWritable(): void {
    super.onWritable();
    this.times.push(this.#clock.now());
  }
}

interface Rig {
  readonly clock: VirtualClock;
  readonly a: Transport;
  readonly b: Transport;
  readonly atA: TimedRecorder;
  readonly atB: TimedRecorder;
}

async function openRig(options: MemoryPairOptions): Promise<Rig> {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair(clock, options);
  const [atA, atB] = [new TimedRecorder(clock), new TimedRecorder(clock)];
  await a.open(atA);
  await b.open(atB);
  return { clock, a, b, atA, atB };
}

describe("memory pair", () => {
  it("delivers a whole write when its last byte has arrived", async () => {
    // 10,000 baud at 8N1 is one byte a millisecond.
    const { clock, a, atB } = await openRig({ aToB: { baud: 10_000, latencyMs: 7 } });
    a.write(new Uint8Array(100));
    a.write(new Uint8Array(20));
    clock.advanceTo(106.9);
    expect(atB.byteCount).toBe(0);
    clock.advanceTo(1000);
    expect(atB.times).toEqual([107, 127]);
    expect(atB.chunks.map((chunk) => chunk.length)).toEqual([100, 20]);
  });

  it("delivers in pieces, each when its last byte has arrived", async () => {
    const { clock, a, atB } = await openRig({ aToB: { baud: 10_000, pieceBytes: 8 } });
    a.write(Uint8Array.from({ length: 20 }, (_, i) => i));
    clock.advanceTo(1000);
    expect(atB.times).toEqual([8, 16, 20]);
    expect(atB.bytes).toEqual(Uint8Array.from({ length: 20 }, (_, i) => i));
  });

  it("starts a write when the line is free, not before", async () => {
    const { clock, a, atB } = await openRig({ aToB: { baud: 10_000 } });
    a.write(new Uint8Array(10));
    clock.advanceTo(50);
    a.write(new Uint8Array(10));
    clock.advanceTo(1000);
    expect(atB.times).toEqual([10, 60]);
  });

  it("carries its two directions independently", async () => {
    const rig = await openRig({ aToB: { baud: 10_000 }, bToA: { latencyMs: 3 } });
    expect([rig.a.facts.baud, rig.b.facts.baud]).toEqual([10_000, undefined]);
    rig.a.write(new Uint8Array(5));
    rig.b.write(new Uint8Array(5));
    rig.clock.advanceTo(1000);
    expect([rig.atB.times, rig.atA.times]).toEqual([[5], [3]]);
  });

  it("never calls the receiver from inside write", async () => {
    const { clock, a, atB } = await openRig({});
    a.write(Uint8Array.of(1));
    expect(atB.byteCount).toBe(0);
    clock.advanceTo(0);
    expect(atB.byteCount).toBe(1);
  });

  it("holds the writer back above the queue limit until half of it has drained", async () => {
    const { clock, a, atA } = await openRig({ aToB: { baud: 10_000, queueBytes: 100 } });
    expect(a.write(new Uint8Array(100))).toBe(true);
    expect(a.write(new Uint8Array(20))).toBe(false);
    expect(a.write(new Uint8Array(20))).toBe(false);
    expect(a.write(new Uint8Array())).toBe(false);
    clock.advanceTo(1000);
    expect(atA.events).toEqual(["up", "writable"]);
    expect(atA.times).toEqual([90]);
    expect(a.write(new Uint8Array(20))).toBe(true);
  });

  it("loses what reaches an end that is not open, as a UART does", async () => {
    const clock = new VirtualClock();
    const [a, b] = createMemoryPair(clock);
    const atB = new Recorder();
    await a.open(new Recorder());
    a.write(Uint8Array.of(1));
    clock.advanceTo(1);
    await b.open(atB);
    a.write(Uint8Array.of(2));
    clock.advanceTo(2);
    await b.close();
    await b.close();
    a.write(Uint8Array.of(3));
    clock.advanceTo(3);
    expect(atB.bytes).toEqual(Uint8Array.of(2));
    expect(b.write(Uint8Array.of(4))).toBe(true);
  });

  it("keeps the order on a real clock, whose timers may not", async () => {
    const [a, b] = createMemoryPair(systemClock, { aToB: { baud: 3_000_000, latencyMs: 2, pieceBytes: 7 } });
    const sent = randomBytes(new SeededRandom(3), 4000);
    const atB = new Recorder();
    await a.open(new Recorder());
    await b.open(atB);
    for (let at = 0; at < sent.length; at += 50) a.write(sent.subarray(at, at + 50));
    await until(() => atB.byteCount === sent.length, "delivery");
    expect(concatBytes(...atB.chunks)).toEqual(sent);
  });
});
