import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { concatBytes, toHex } from "../../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import {
  type ByteFault,
  bitErrors,
  bursts,
  cuts,
  dropBytes,
  insertText,
  runFaults,
} from "../../../src/sim/wires/byte-faults.ts";
import { I2cMemoryBus } from "../../../src/sim/wires/memory-i2c-bus.ts";
import { createMemoryPair } from "../../../src/sim/wires/memory-pair.ts";
import { type FaultOptions, withFaults } from "../../../src/sim/wires/transport-faults.ts";
import { I2cControllerTransport } from "../../../src/transport/i2c/controller.ts";
import { type AttachPeripheral, I2cPeripheralTransport } from "../../../src/transport/i2c/peripheral.ts";
import { Recorder } from "../../support/recorder.ts";
import { passUntil } from "../../support/virtual-time.ts";

const random = (seed = 1): SeededRandom => new SeededRandom(seed);
const noise = (length: number): Uint8Array => randomBytes(random(99), length);

/** Frames of `length` bytes without 0x00, numbered in the first byte, each with its delimiter. */
function frames(count: number, length: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    Uint8Array.of((i % 255) + 1, ...new Uint8Array(length - 1).fill(0x55), 0),
  );
}

describe("byte faults", () => {
  it.each([1e-4, 1e-3, 0.02])("flips bits at a rate of %f", (ber) => {
    const input = noise(200_000);
    const output = bitErrors(random(), ber)(input, 0);
    let flipped = 0;
    for (const [i, byte] of input.entries()) {
      for (let different = byte ^ (output[i] ?? 0); different > 0; different >>= 1) flipped += different & 1;
    }
    const expected = input.length * 8 * ber;
    expect(Math.abs(flipped - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  it("drops bytes at the rate given and changes none", () => {
    const output = dropBytes(random(), 0.01)(new Uint8Array(100_000).fill(7), 0);
    expect(Math.abs(100_000 - output.length - 1000)).toBeLessThan(160);
    expect(output.every((byte) => byte === 7)).toBe(true);
  });

  it("garbles in bursts of the length given", () => {
    const output = bursts(random(), { probability: 1e-4, bytes: 50 })(new Uint8Array(100_000), 0);
    const changed = output.filter((byte) => byte !== 0).length;
    expect(changed).toBeGreaterThan(200);
    expect(changed).toBeLessThan(900);
    const first = output.findIndex((byte) => byte !== 0);
    expect(output.subarray(first + 50, first + 60)).toEqual(new Uint8Array(10));
  });

  it("loses what arrives during a cut, counted from the first byte", () => {
    const cut = cuts([{ atMs: 100, durationMs: 50 }]);
    const passes = [1000, 1099, 1100, 1149, 1150].map((now) => cut(Uint8Array.of(1), now).length);
    expect(passes).toEqual([1, 1, 0, 0, 1]);
  });

  it("inserts text between bytes", () => {
    const text = "[ 12.3] usb";
    const output = insertText(random(), { probability: 0.01, text })(new Uint8Array(1000), 0);
    const seen = new TextDecoder().decode(output.filter((byte) => byte !== 0));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.replaceAll(text, "")).toBe("");
    expect(output.filter((byte) => byte === 0).length).toBe(1000);
  });

  it.each<[string, Parameters<typeof runFaults>[1], (passed: number, sent: number) => boolean]>([
    ["loses", { loss: 0.1 }, (passed, sent) => passed < sent],
    ["doubles", { duplicate: 0.1 }, (passed, sent) => passed > sent],
    ["keeps", { corrupt: 0.1 }, (passed, sent) => passed === sent],
    ["keeps", { truncate: 0.1 }, (passed, sent) => passed === sent],
  ])("%s whole frames with %j", (_name, options, isRight) => {
    const sent = frames(1000, 20);
    const output = runFaults(random(), options)(concatBytes(...sent), 0);
    const passed = output.filter((byte) => byte === 0).length;
    expect(isRight(passed, sent.length)).toBe(true);
    const hit = splitFrames(output).filter(
      (run) => !sent.some((frame) => toHex(frame) === toHex(run)),
    ).length;
    const harmed = "corrupt" in options || "truncate" in options ? hit : Math.abs(passed - sent.length);
    expect(Math.abs(harmed - 100)).toBeLessThan(45);
  });

  it("passes a run on that is longer than it can hold", () => {
    const long = new Uint8Array(100).fill(1);
    expect(runFaults(random(), { loss: 1, maxRun: 50 })(long, 0)).toEqual(long);
  });

  const anyFault = fc.constantFrom<[string, (seed: number) => ByteFault]>(
    ["ber", (seed) => bitErrors(random(seed), 0.02)],
    ["drop", (seed) => dropBytes(random(seed), 0.1)],
    ["burst", (seed) => bursts(random(seed), { probability: 0.05, bytes: 5 })],
    ["text", (seed) => insertText(random(seed), { probability: 0.05, text: "panic" })],
    ["runs", (seed) => runFaults(random(seed), { loss: 0.2, corrupt: 0.2, duplicate: 0.2, truncate: 0.2 })],
  );
  property.prop([anyFault, fc.integer(), fc.array(fc.uint8Array({ maxLength: 20, max: 4 }))])(
    "do the same however the bytes came, and leave their input alone",
    ([, make], seed, parts) => {
      const before = parts.map(toHex);
      const atOnce = make(seed)(concatBytes(...parts), 0);
      const fault = make(seed);
      const inParts = concatBytes(...parts.map((part) => fault(part, 0)));
      expect(toHex(inParts)).toBe(toHex(atOnce));
      expect(parts.map(toHex)).toEqual(before);
    },
  );
});

function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const runs: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at) + 1;
    runs.push(bytes.subarray(at, end));
    at = end;
  }
  return runs;
}

/** What B receives of `sent`, written in pieces of 100 bytes, one each millisecond. */
async function carried(
  sent: Uint8Array,
  options: Omit<FaultOptions, "clock">,
  atSender = false,
): Promise<Recorder> {
  const clock = new VirtualClock();
  const [a, b] = createMemoryPair(clock);
  const from = atSender ? withFaults(a, { ...options, clock }) : a;
  const to = atSender ? b : withFaults(b, { ...options, clock });
  const received = new Recorder();
  await from.open(new Recorder());
  await to.open(received);
  for (let at = 0; at < sent.length; at += 100) {
    from.write(sent.subarray(at, at + 100));
    clock.advanceTo(clock.now() + 1);
  }
  clock.advanceTo(clock.now() + 10_000);
  return received;
}

describe("withFaults", () => {
  const everything: Omit<FaultOptions, "clock"> = {
    seed: 5,
    ber: 1e-3,
    drop: 1e-3,
    burst: { probability: 1e-3, bytes: 4 },
    garbage: { probability: 1e-3, text: "login: " },
    frames: { loss: 0.05, corrupt: 0.05 },
    cuts: [{ atMs: 20, durationMs: 3 }],
    stall: { probability: 0.2, delayMs: 7 },
  };

  it("does the same damage for the same seed, and other damage for another", async () => {
    const sent = concatBytes(...frames(200, 30));
    const first = toHex((await carried(sent, everything)).bytes);
    expect(first).not.toBe(toHex(sent));
    expect(toHex((await carried(sent, everything)).bytes)).toBe(first);
    expect(toHex((await carried(sent, { ...everything, seed: 6 })).bytes)).not.toBe(first);
  });

  it("damages only the direction asked for", async () => {
    const sent = noise(1000);
    expect((await carried(sent, { seed: 1, drop: 1 })).byteCount).toBe(0);
    expect((await carried(sent, { seed: 1, drop: 1 }, true)).byteCount).toBe(1000);
    expect((await carried(sent, { seed: 1, drop: 1, direction: "sent" })).byteCount).toBe(1000);
    expect((await carried(sent, { seed: 1, drop: 1, direction: "sent" }, true)).byteCount).toBe(0);
    expect((await carried(sent, { seed: 1, drop: 1, direction: "both" }, true)).byteCount).toBe(0);
  });

  it("delays by stalls without changing bytes or order", async () => {
    const sent = noise(5000);
    const received = await carried(sent, { seed: 1, stall: { probability: 0.3, delayMs: 20 } });
    expect(received.bytes).toEqual(sent);
  });

  it("delivers nothing after it was closed during a stall", async () => {
    const clock = new VirtualClock();
    const [a, b] = createMemoryPair(clock);
    const faulty = withFaults(b, { seed: 1, clock, stall: { probability: 1, delayMs: 10 } });
    const received = new Recorder();
    await a.open(new Recorder());
    await faulty.open(received);
    a.write(Uint8Array.of(1));
    clock.advanceTo(5);
    await faulty.close();
    clock.advanceTo(100);
    expect(received.byteCount).toBe(0);
  });

  it("stacks, and keeps endpoint and rate", async () => {
    const clock = new VirtualClock();
    const [a, b] = createMemoryPair(clock, { bToA: { baud: 9600 } });
    const drop: ByteFault = (bytes) => bytes.subarray(1);
    const faulty = withFaults(withFaults(b, { seed: 1, clock, extra: [drop] }), {
      seed: 2,
      clock,
      extra: [drop],
    });
    const received = new Recorder();
    await a.open(new Recorder());
    await faulty.open(received);
    a.write(Uint8Array.of(1, 2, 3));
    clock.advanceTo(1);
    expect([received.bytes, faulty.facts.baud, faulty.facts.endpoint]).toEqual([
      Uint8Array.of(3),
      9600,
      "memory:b",
    ]);
  });
});

describe("withFaults around a link of messages", () => {
  const ADDRESS = 0x42;
  const message = (length: number): Uint8Array => new Uint8Array(length).fill(0x55);

  /** What the peripheral hears of 60 messages of 20 bytes, whose controller writes through `options`. */
  async function heard(options: Omit<FaultOptions, "clock" | "seed">): Promise<readonly Uint8Array[]> {
    const clock = new VirtualClock();
    const bus = new I2cMemoryBus(clock);
    const attach: AttachPeripheral = async (handler) => {
      const detach = bus.attach(ADDRESS, handler);
      return async () => detach();
    };
    const peripheral = new I2cPeripheralTransport("i2c-peripheral:memory", attach, { clock });
    const controller = new I2cControllerTransport("i2c:memory", ADDRESS, async () => bus, { clock });
    const faulty = withFaults(controller, { ...options, seed: 3, clock, direction: "sent" });
    const [atController, atPeripheral] = [new Recorder(), new Recorder()];
    await peripheral.open(atPeripheral);
    await faulty.open(atController);
    await passUntil(clock, () => atController.count("up") === 1, 1000);
    expect(atController.events).toEqual(["up"]);
    for (let i = 0; i < 60; i++) {
      faulty.write(message(20));
      await passUntil(clock, () => false, 20);
    }
    return atPeripheral.chunks;
  }

  it("passes every message whole where nothing goes wrong", async () => {
    expect(await heard({})).toEqual(Array.from({ length: 60 }, () => message(20)));
  });

  it.each<[string, FaultOptions["frames"], (chunks: readonly Uint8Array[]) => boolean]>([
    ["loses", { loss: 0.3 }, (chunks) => chunks.length < 60 && chunks.every((one) => one.length === 20)],
    ["doubles", { duplicate: 0.3 }, (chunks) => chunks.length > 60],
    ["shortens", { truncate: 0.3 }, (chunks) => chunks.some((one) => one.length < 20)],
    [
      "changes one bit of",
      { corrupt: 0.3 },
      (chunks) => chunks.some((one) => one.filter((byte) => byte !== 0x55).length === 1),
    ],
  ])("%s whole messages: %j", async (_name, frames, isRight) => {
    const chunks = await heard({ frames: frames ?? {} });
    expect(chunks.length).toBeGreaterThan(20);
    expect(isRight(chunks)).toBe(true);
  });

  it("loses a message all of whose bytes are lost", async () => {
    expect(await heard({ drop: 1 })).toEqual([]);
  });

  it("has no bytes between which text could be inserted", async () => {
    const clock = new VirtualClock();
    const end = new I2cControllerTransport("i2c:memory", ADDRESS, async () => new I2cMemoryBus(clock));
    const garbage = { probability: 1, text: "login: " };
    expect(() => withFaults(end, { seed: 1, clock, garbage })).toThrow(AssertionError);
  });
});
