import { beforeEach, describe, expect, it } from "vitest";
import { PLAIN_CODECS } from "../../../src/session/codecs.ts";
import { TreeDescent } from "../../../src/session/target/tree-descent.ts";
import { CHUNK_UNIT, Codec } from "../../../src/wire/constants.ts";
import type { DataChunk } from "../../../src/wire/messages.ts";

const BLOCK_SIZE = 128;
/** Bytes 0 to 99: the last block of the image, shorter than the others. */
const LAST: Uint8Array = Uint8Array.from({ length: 100 }, (_, i) => i);
const PLAN = {
  digest: new Uint8Array(8),
  size: BLOCK_SIZE + LAST.length,
  blockSize: BLOCK_SIZE,
  leafCount: 2,
};

let descent: TreeDescent;

beforeEach(() => {
  descent = new TreeDescent(PLAN, { nodes: [], blocks: [1] }, 4);
  descent.advance(0);
});

/** Hands in a chunk of block 1; the block when that completes it. */
function hand(codec: Codec, offset: number, payload: Uint8Array, attempt = 0): Uint8Array | undefined {
  const position = (BLOCK_SIZE + offset) / CHUNK_UNIT;
  const chunk: DataChunk = { tag: "data", packetNumber: 0, codec, attempt, position, payload };
  return descent.blocks.handleData(chunk)?.bytes;
}

describe("chunks of a block", () => {
  it("complete it in any order, also when one comes twice", () => {
    expect(hand(Codec.raw, 64, LAST.subarray(64))).toBeUndefined();
    expect(hand(Codec.raw, 0, LAST.subarray(0, 32))).toBeUndefined();
    expect(hand(Codec.raw, 0, LAST.subarray(0, 32))).toBeUndefined();
    expect(hand(Codec.raw, 32, LAST.subarray(32, 64))).toEqual(LAST);
  });

  it("complete it by one byte that is repeated", () => {
    expect(hand(Codec.uniform, 0, Uint8Array.of(9))).toEqual(new Uint8Array(LAST.length).fill(9));
  });

  it("are dropped when they run past its end or the largest payload of their codec, and void nothing", () => {
    hand(Codec.raw, 0, LAST.subarray(0, 64));
    expect(hand(Codec.raw, 32, LAST)).toBeUndefined();
    expect(hand(Codec.uniform, 0, Uint8Array.of(9, 9))).toBeUndefined();
    expect(hand(Codec.uniform, 32, Uint8Array.of(9))).toBeUndefined();
    expect(hand(Codec.raw, 64, LAST.subarray(64))).toEqual(LAST);
  });

  it("are dropped when the board does not take their codec, and leave what has arrived as it is", () => {
    descent = new TreeDescent(PLAN, { nodes: [], blocks: [1] }, 4, undefined, PLAIN_CODECS);
    descent.advance(0);
    hand(Codec.raw, 0, LAST.subarray(0, 64));
    expect(hand(Codec.deflate, 64, LAST.subarray(64))).toBeUndefined();
    expect(hand(Codec.dictionary, 64, LAST.subarray(64))).toBeUndefined();
    expect(hand(Codec.raw, 64, LAST.subarray(64))).toEqual(LAST);
  });

  it("of another codec than the first one of an attempt are dropped, and void nothing", () => {
    hand(Codec.raw, 0, LAST.subarray(0, 64));
    expect(hand(Codec.uniform, 0, Uint8Array.of(9))).toBeUndefined();
    expect(hand(Codec.raw, 64, LAST.subarray(64))).toEqual(LAST);
  });

  it("of an earlier attempt are dropped", () => {
    hand(Codec.raw, 0, LAST);
    descent.blocks.settle(1, false);
    expect(hand(Codec.raw, 0, LAST)).toBeUndefined();
    expect(hand(Codec.raw, 0, LAST, 1)).toEqual(LAST);
  });
});

describe("chunks of a coded block", () => {
  /** Of 40 bytes: the length in front says 38. */
  const CODED: Uint8Array = Uint8Array.from({ length: 40 }, (_, i) => [37, 0, 0][i] ?? i);

  function handCoded(offset: number, payload: Uint8Array, codec: Codec = Codec.deflate): unknown {
    const position = (BLOCK_SIZE + offset) / CHUNK_UNIT;
    return descent.blocks.handleData({ tag: "data", packetNumber: 0, codec, attempt: 0, position, payload });
  }

  it("complete it when as many bytes have come as its first two say, in any order", () => {
    for (const codec of [Codec.deflate, Codec.dictionary]) {
      descent = new TreeDescent(PLAN, { nodes: [], blocks: [1] }, 4);
      descent.advance(0);
      expect(handCoded(32, CODED.subarray(32), codec)).toBeUndefined();
      const coded = { codec, length: LAST.length };
      expect(handCoded(0, CODED.subarray(0, 32), codec)).toEqual({ block: 1, bytes: CODED, coded });
    }
  });

  it("complete it at once when its length cannot be right: it is not shorter than the block", () => {
    const long = CODED.slice(0, 32);
    long.set([LAST.length - 3, 0]);
    const coded = { codec: Codec.deflate, length: LAST.length };
    expect(handCoded(0, long)).toEqual({ block: 1, bytes: long, coded });
  });

  it("are dropped when they end where the block would, or beyond, and void nothing", () => {
    expect(handCoded(96, new Uint8Array(4))).toBeUndefined();
    expect(handCoded(64, new Uint8Array(64))).toBeUndefined();
    expect(handCoded(0, new Uint8Array(100))).toBeUndefined();
    expect(handCoded(0, CODED)).toBeDefined();
  });

  it("are dropped in the next attempt, for which only raw is allowed, if they are of the one before", () => {
    handCoded(0, CODED);
    descent.blocks.settle(1, false);
    expect(descent.blocks.takeGrant()?.entries).toEqual([{ first: 1, count: 1, attempt: 1, codecs: 1 }]);
    expect(handCoded(0, CODED)).toBeUndefined();
    expect(hand(Codec.raw, 0, LAST, 1)).toEqual(LAST);
  });
});
