import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { LinkKey } from "../../src/link/link-key.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { type Deflate, ImageCoders } from "../../src/node/image-coder.ts";
import { zlibDeflate } from "../../src/node/zlib-deflate.ts";
import { type BlockCoder, PLAIN_CODECS } from "../../src/session/codecs.ts";
import { encodeCodedBlock } from "../../src/session/coded-block.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { Codec, FrameClass, ObjectKind } from "../../src/wire/constants.ts";
import { tameFirmware } from "../support/tame-firmware.ts";
import { VirtualRescue, type VirtualRescueOptions } from "../support/virtual-rescue.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const SIZE = 128 * 1024;
const DATA: Uint8Array = tameFirmware(SIZE);
/** Flash that differs from the image in every block, and is not blank. */
const OTHER: Uint8Array = new Uint8Array(SIZE).fill(0x5a);
const LINK_KEY: LinkKey = linkKeyOf(new Uint8Array(32).fill(3));
/** One megabyte of zeros and more in 4,000 bytes. */
const BOMB: Uint8Array = zlibDeflate(new Uint8Array(67_108_864)).subarray(0, 4000);
const EMPTY_BLOCKS: Uint8Array = Uint8Array.from({ length: 4000 }, (_, i) => [0, 0, 0, 255, 255][i % 5] ?? 0);

interface Seen {
  readonly run: VirtualRescue;
  /** Data frames in each codec, by its number. */
  readonly frames: readonly number[];
  readonly codedBlocks: number;
}

/** Heals a board, byte for byte, and counts. */
function heal(options: Partial<VirtualRescueOptions>): Seen {
  const frames = [0, 0, 0, 0];
  const run = new VirtualRescue({
    ...{ seed: 1, data: DATA, ...options },
    wrap: (wire) =>
      wrappedTransport(wire, {
        write: (bytes) => {
          const first = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1))?.[0] ?? 0;
          const codec = (first >> 1) & 3;
          if ((first & FrameClass.data) !== 0) frames[codec] = (frames[codec] ?? 0) + 1;
          return wire.write(bytes);
        },
      }),
  });
  expect(run.run(600_000)).toBe(true);
  expect(run.flashed).toEqual(run.data);
  return { run, frames, codedBlocks: run.rescuerEnd.link.counters.codedBlocks };
}

const coders = (compress?: Deflate): ImageCoders => new ImageCoders(compress);

/** A rescuer that codes as it likes. */
function coding(code: BlockCoder["code"]): Pick<ImageCoders, "of"> {
  return { of: () => ({ code }) };
}

describe("a rescue with coded blocks", () => {
  it("takes 136,709 bytes on the wire for 128 KiB without them, and 58,663 with them", () => {
    const plain = heal({});
    const coded = heal({ coders: coders() });
    const [before, after] = [plain.run.bytesOnWire, coded.run.bytesOnWire];
    process.stdout.write(`${before} bytes on the wire, ${after} with coded blocks\n`);
    expect(before).toBe(136_709);
    expect(after).toBe(58_663);
    expect(coded.codedBlocks).toBe(32);
    expect(coded.frames[Codec.raw]).toBe(0);
    expect(coded.frames[Codec.dictionary]).toBeGreaterThan(10);
    expect(coded.run.rescuerEnd.link.counters.resentBytes).toBe(0);
    expect(coded.run.clock.now()).toBeLessThan(0.5 * plain.run.clock.now());
  });

  it("sends coded blocks before the first grant, to a board whose accept asks for blocks", () => {
    const { run, frames } = heal({ coders: coders(), data: DATA.subarray(0, 16 * 4096) });
    expect(frames[Codec.raw]).toBe(0);
    expect(frames[Codec.deflate]).toBeGreaterThanOrEqual(1);
    expect(run.rescuerEnd.link.counters.codedBlocks).toBe(16);
    expect(run.bytesOnWire).toBeLessThan(0.6 * run.data.length);
  });

  it("codes nothing again for the second board that is served in the same way", () => {
    let calls = 0;
    const counting: Deflate = (bytes, dictionary) => {
      calls++;
      return zlibDeflate(bytes, dictionary);
    };
    const shared = coders(counting);
    const first = heal({ coders: shared });
    expect(calls).toBe(32);
    const second = heal({ coders: shared });
    expect(calls).toBe(32);
    expect(second.run.bytesOnWire).toBe(first.run.bytesOnWire);
  });

  it("sends raw what would be ready to send before it is coded, on a line of 100 Mbaud", () => {
    const seen = heal({ coders: coders(), baud: 100_000_000 });
    expect(seen.codedBlocks).toBe(0);
    expect(heal({ coders: coders(), baud: 12_000_000 }).codedBlocks).toBe(32);
  });

  it.each([
    ["a line with errors", { faults: { ber: 1e-4 } }],
    ["a line that loses bytes", { faults: { drop: 3e-4 } }],
    ["a board that hears nothing while it writes", { isDeafWhileWriting: true }],
    [
      "effects that take their time, and overtake each other",
      { slow: { works: "first", delaysMs: [1, 20, 50] } },
    ],
    ["a link key", { linkKeys: [LINK_KEY, LINK_KEY] }],
    ["one block buffer and one run", { limits: { openBlocks: 1, runs: 1, asks: "run" } }],
    ["blocks of 64 KiB", { blockSize: 65_536 }],
    ["sectors that hold many blocks", { sectorSize: 32_768, slot: OTHER }],
  ] as const)("heals exactly over %s", (_what, options) => {
    for (const seed of [1, 2, 3]) {
      const seen = heal({ seed, coders: coders(), ...options });
      expect(seen.codedBlocks).toBeGreaterThan(0);
    }
  });

  it("codes all blocks, although the run of the blocks that the accept asked for is lost, and they are looked at last", () => {
    let dropped = 0;
    const isLost = (bytes: Uint8Array): boolean => {
      const frame = decodeCobs(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1)) ?? new Uint8Array();
      const [head = 0, , kind, level, index] = frame;
      return (head & 15) === FrameClass.object && kind === ObjectKind.run && level === 4 && index === 0;
    };
    const run = new VirtualRescue({
      ...{ seed: 1, data: DATA, coders: coders() },
      wrap: (wire) =>
        wrappedTransport(wire, {
          write: (bytes) => {
            if (!isLost(bytes) || dropped === 3) return wire.write(bytes);
            dropped++;
            return true;
          },
        }),
    });
    expect(run.run(600_000)).toBe(true);
    expect(dropped).toBe(3);
    expect(run.flashed).toEqual(DATA);
    expect(run.rescuerEnd.link.counters.codedBlocks).toBeGreaterThanOrEqual(30);
    const failed = run.targetEvents.filter(({ tag }) => tag === "sessionLost");
    expect(failed).toEqual([]);
  });

  it("resumes after a power cut at any tenth of the way", () => {
    for (let tenth = 1; tenth < 10; tenth++) {
      const run = new VirtualRescue({ seed: tenth, data: DATA, coders: coders() });
      run.run(75 * tenth, () => false);
      run.restartTarget();
      expect(run.run(600_000)).toBe(true);
      expect(run.flashed).toEqual(DATA);
    }
  });
});

describe("nodes that know no coded blocks", () => {
  it("are served in raw and uniform blocks, as if the rescuer knew none", () => {
    const limits = { codecs: PLAIN_CODECS };
    const old = heal({ limits });
    const seen = heal({ limits, coders: coders() });
    expect(seen.frames).toEqual(old.frames);
    expect(seen.codedBlocks).toBe(0);
    expect(seen.run.bytesOnWire).toBe(old.run.bytesOnWire);
  });

  it("serve a board that takes coded blocks", () => {
    const seen = heal({});
    expect(seen.frames.slice(Codec.deflate)).toEqual([0, 0]);
  });
});

describe("a rescuer that codes wrongly", () => {
  /** Its blocks come raw in the end, and after four it is not believed to code any more: each side holds to that. */
  function healedRaw(code: BlockCoder["code"]): Seen {
    const seen = heal({ coders: coding(code), slot: OTHER });
    expect(seen.codedBlocks).toBeGreaterThanOrEqual(4);
    expect(seen.codedBlocks).toBeLessThan(16);
    expect(seen.frames[Codec.raw]).toBeGreaterThanOrEqual(32);
    return seen;
  }
  const { deflate, dictionary } = Codec;
  const short = (bytes: Uint8Array): Uint8Array => zlibDeflate(bytes.slice().fill(0, 100));

  it.each<[string, BlockCoder["code"]]>([
    [
      "random bytes",
      (i) => ({
        codec: deflate,
        payload: encodeCodedBlock(randomBytes(new SeededRandom(i), 500), undefined),
      }),
    ],
    [
      "another block",
      (_i, bytes) => ({ codec: deflate, payload: encodeCodedBlock(short(bytes), undefined) }),
    ],
    ["64 MiB of zeros", () => ({ codec: deflate, payload: encodeCodedBlock(BOMB, undefined) })],
    ["empty stored blocks", () => ({ codec: deflate, payload: encodeCodedBlock(EMPTY_BLOCKS, undefined) })],
    [
      "a length in front that is longer than the block",
      () => ({ codec: deflate, payload: new Uint8Array(40).fill(255) }),
    ],
    ["a subtype of later", () => ({ codec: dictionary, payload: Uint8Array.of(3, 0, 9, 0, 0, 0) })],
    [
      "itself as its dictionary",
      (i, bytes) => ({ codec: dictionary, payload: encodeCodedBlock(short(bytes), [i]) }),
    ],
    [
      "blocks beyond the image",
      (_i, bytes) => ({ codec: dictionary, payload: encodeCodedBlock(short(bytes), [0xffffff]) }),
    ],
    [
      "255 blocks",
      (_i, bytes) => ({
        codec: dictionary,
        payload: encodeCodedBlock(
          short(bytes),
          Array.from({ length: 255 }, (_, k) => k),
        ),
      }),
    ],
  ])("heals the board raw when it sends %s", (_what, code) => {
    healedRaw(code);
  });

  it("ends no session by it, however many blocks the board keeps open", () => {
    const empty = (bytes: Uint8Array): Uint8Array => zlibDeflate(bytes.slice().fill(0));
    const { run, codedBlocks } = heal({
      ...{ blockSize: 1024, slot: OTHER },
      coders: coding((_i, bytes) => ({ codec: deflate, payload: encodeCodedBlock(empty(bytes), undefined) })),
    });
    expect(codedBlocks).toBeLessThan(16);
    expect(run.targetEvents.some(({ tag }) => tag === "sessionLost")).toBe(false);
  });
});

describe("a block that a coded block names, and the board does not hold", () => {
  /** A rescue in which the first 40 blocks, 3 attempts at each, have this outcome. */
  function isLostAfter(outcome: "missing" | "mismatch"): boolean {
    let left = 40;
    const tries = new Map<number, number>();
    const run: VirtualRescue = new VirtualRescue({
      ...{ seed: 1, data: DATA, coders: coders() },
      onTargetEvent: (event, proceed) => {
        const block = event.tag === "writeBlock" || event.tag === "writeCodedBlock" ? event.block : -1;
        const count = tries.get(block) ?? 0;
        if (block < 0 || left === 0 || count === 3) return proceed();
        tries.set(block, count + 1);
        left--;
        if ("session" in event) run.target.handleBlockWritten(run.clock.now(), event.session, block, outcome);
      },
    });
    expect(run.run(600_000)).toBe(true);
    expect(left).toBe(0);
    return run.targetEvents.some(({ tag }) => tag === "sessionLost");
  }

  it("does not count among the 32 wrong ones that end a session", () => {
    expect(isLostAfter("missing")).toBe(false);
    expect(isLostAfter("mismatch")).toBe(true);
  });
});
