import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { equalBytes, toHex } from "../../../src/base/bytes.ts";
import { FrameAssembler, FrameQueue } from "../../../src/transport/i2c/frame-packing.ts";

const frame = (length: number, from = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) & 0xff);

function queueOf(...frames: Uint8Array[]): FrameQueue {
  const queue = new FrameQueue();
  for (const one of frames) queue.push(one);
  return queue;
}

function framesOf(assembler: FrameAssembler): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let one = assembler.pollFrame(); one; one = assembler.pollFrame()) frames.push(one);
  return frames;
}

describe("packing frames into transactions", () => {
  it("puts a length and its CRC-8 before each frame", () => {
    const { bytes } = queueOf(frame(2), frame(1, 9)).pack(100);
    expect(toHex(bytes)).toBe("02002a" + "0102" + "010015" + "09");
  });

  it("removes nothing from the queue until it is confirmed to have arrived", () => {
    const queue = queueOf(frame(10));
    expect(queue.pack(8)).toEqual(queue.pack(8));
    queue.advance(queue.pack(8).to);
    expect(queue.waiting).toBe(5);
    expect(queue.pack(8).isInside).toBe(true);
    expect(toHex(queue.pack(8).bytes)).toBe(toHex(frame(5, 6)));
  });

  it("states exactly how many bytes wait", () => {
    const queue = queueOf(frame(10), frame(20));
    expect(queue.waiting).toBe(36);
    expect(queue.pack(1000).bytes.length).toBe(36);
    queue.advance({ frames: 1, offset: 5 });
    expect(queue.waiting).toBe(15);
  });

  it("begins a frame inside a transaction only if all of it fits, when asked to", () => {
    const queue = queueOf(frame(10), frame(10), frame(30));
    expect(queue.pack(40).bytes.length).toBe(40);
    expect(queue.pack(40, true).bytes.length).toBe(26);
    expect(queue.pack(25, true).bytes.length).toBe(13);
    expect(queue.pack(8, true).bytes.length).toBe(8);
  });

  it("never splits a length, nor sends one without a byte of its frame", () => {
    const queue = queueOf(frame(4), frame(4));
    for (const [room, packed] of [
      [7, 7],
      [10, 7],
      [11, 11],
    ] as const)
      expect(queue.pack(room).bytes.length).toBe(packed);
    expect(queue.pack(3).bytes.length).toBe(0);
  });

  it("is full with two frames on short transactions, and with 2 KiB or eight frames on long ones", () => {
    const queue = queueOf(frame(60));
    expect(queue.isFull(32)).toBe(false);
    queue.push(frame(60));
    expect([queue.isFull(32), queue.isFull(1024)]).toEqual([true, false]);
    queue.push(frame(2000));
    expect(queue.isFull(1024)).toBe(true);
    const small = queueOf(...Array.from({ length: 7 }, () => frame(20)));
    expect(small.isFull(1024)).toBe(false);
    small.push(frame(20));
    expect(small.isFull(1024)).toBe(true);
  });
});

describe("putting frames together", () => {
  it("replaces a transaction by its repetition, even if the first copy was cut short", () => {
    const whole = queueOf(frame(30), frame(5, 77));
    const first = whole.pack(20);
    whole.advance(first.to);
    const second = whole.pack(100);
    for (let cut = 0; cut <= second.bytes.length; cut++) {
      const assembler = new FrameAssembler();
      assembler.begin(false);
      assembler.take(first.bytes);
      assembler.begin(false);
      assembler.take(second.bytes.subarray(0, cut));
      assembler.begin(true);
      assembler.take(second.bytes);
      expect(framesOf(assembler).map(toHex), `cut at ${cut}`).toEqual([
        toHex(frame(30)),
        toHex(frame(5, 77)),
      ]);
    }
  });

  it("does not write into a delivered frame when its last transaction is repeated", () => {
    const assembler = new FrameAssembler();
    const { bytes } = queueOf(frame(6)).pack(9);
    assembler.begin(false);
    assembler.take(bytes.subarray(0, 5));
    assembler.begin(false);
    assembler.take(bytes.subarray(5));
    const [given] = framesOf(assembler);
    assembler.begin(true);
    assembler.take(Uint8Array.of(0, 0, 0, 0));
    expect(toHex(given ?? new Uint8Array())).toBe(toHex(frame(6)));
  });

  it("gives up the rest of a transaction where a length is damaged", () => {
    const assembler = new FrameAssembler();
    const { bytes } = queueOf(frame(4), frame(4)).pack(100);
    bytes[7] = 5;
    assembler.begin(false);
    expect(assembler.take(bytes)).toBeUndefined();
    expect(framesOf(assembler)).toHaveLength(1);
  });

  test.prop([
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 12 }),
    fc.array(fc.tuple(fc.integer({ min: 4, max: 90 }), fc.boolean(), fc.nat(90)), {
      minLength: 1,
      maxLength: 60,
    }),
  ])(
    "gives back every frame, whatever the transactions' lengths and however often they come",
    (frames, steps) => {
      const queue = queueOf(...frames);
      const assembler = new FrameAssembler();
      let isAgain = false;
      let room = 0;
      const got: Uint8Array[] = [];
      for (let i = 0; !queue.isEmpty; i++) {
        const [length, fails, cut] = steps[i % steps.length] ?? [20, false, 0];
        // As long as the first time: a shorter one may bring a frame twice, which links bear.
        if (!isAgain) room = length;
        // Fails at most every other time, so that it ends.
        const isLost: boolean = fails && !isAgain;
        const packed = queue.pack(room);
        assembler.begin(isAgain);
        const taken = assembler.take(packed.bytes.subarray(0, isLost ? cut : packed.bytes.length));
        if (!isLost) {
          expect(taken).toBe(packed.bytes.length);
          queue.advance(packed.to);
        }
        isAgain = isLost;
        got.push(...framesOf(assembler));
      }
      expect(got.length).toBe(frames.length);
      expect(got.every((one, i) => equalBytes(one, frames[i] ?? new Uint8Array()))).toBe(true);
    },
  );
});
