import { beforeEach, describe, expect, it } from "vitest";
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

  it("are dropped when their codec is unknown, and leave what has arrived as it is", () => {
    hand(Codec.raw, 0, LAST.subarray(0, 64));
    expect(hand(Codec.deflate, 64, LAST.subarray(64))).toBeUndefined();
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
