import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { blockItem } from "../../src/session/rescuer/send-items.ts";
import { lengthOfBlock } from "../../src/session/target/descent-plan.ts";
import { WantedBlocks } from "../../src/session/target/wanted-blocks.ts";
import { CHUNK_UNIT, Codec } from "../../src/wire/constants.ts";
import type { DataChunk } from "../../src/wire/messages.ts";
import { vectorFile } from "../support/vector-file.ts";

interface ChunkVector {
  readonly position: number;
  readonly length: number;
  readonly attempt: number;
  readonly block: number | null;
  readonly offset: number | null;
}
interface PositionVector {
  readonly name: string;
  readonly blockSize: number;
  readonly imageSize: number;
  readonly granted: readonly (readonly [block: number, attempt?: number])[];
  readonly chunks: readonly ChunkVector[];
}

const { positions } = vectorFile<{ readonly positions: readonly PositionVector[] }>("link-v1.json");
const MARK = 0x5a;

function grantedBlocks({ blockSize, imageSize, granted }: PositionVector): WantedBlocks {
  const leafCount = Math.ceil(imageSize / blockSize);
  const blocks = new WantedBlocks({ digest: new Uint8Array(8), size: imageSize, blockSize, leafCount }, 64);
  blocks.add(granted.map(([block]) => block));
  blocks.openMore();
  for (const [block, attempt = 0] of granted) for (let i = 0; i < attempt; i++) blocks.settle(block, false);
  return blocks;
}

function chunk(position: number, attempt: number, payload: Uint8Array): DataChunk {
  return { tag: "data", packetNumber: 0, codec: Codec.raw, attempt, position, payload };
}

/** Bytes of a block of the vector's image. */
function lengthOf({ blockSize, imageSize }: PositionVector, block: number): number {
  return lengthOfBlock({ digest: new Uint8Array(8), size: imageSize, blockSize, leafCount: 0 }, block);
}

/** Hands in zeros for the bytes of a block from `from` up to `to`; the block if that completes it. */
function handZeros(blocks: WantedBlocks, vector: PositionVector, block: number, from: number, to: number) {
  if (from >= to) return undefined;
  const attempt = (vector.granted.find(([other]) => other === block)?.[1] ?? 0) & 1;
  const position = ((block * vector.blockSize + from) / CHUNK_UNIT) & 0xffff;
  return blocks.handleData(chunk(position, attempt, new Uint8Array(to - from)));
}

/** As `toEqual`, which takes long for blocks. */
function expectBytes(found: Uint8Array | undefined, wanted: Uint8Array): void {
  expect(found !== undefined && equalBytes(found, wanted)).toBe(true);
}

/** The chunk is all that its block lacks, and completes it with its own bytes in their place. */
function expectPlaced(vector: PositionVector, marked: DataChunk, block: number, offset: number): void {
  const blocks = grantedBlocks(vector);
  const end = offset + marked.payload.length;
  handZeros(blocks, vector, block, 0, offset);
  handZeros(blocks, vector, block, end, lengthOf(vector, block));
  const complete = blocks.handleData(marked);
  expect(complete?.block).toBe(block);
  expectBytes(complete?.bytes, new Uint8Array(lengthOf(vector, block)).fill(MARK, offset, end));
}

/** The chunk completes no block that lacks its last bytes, and stands in none that is completed by them. */
function expectDropped(vector: PositionVector, marked: DataChunk): void {
  const blocks = grantedBlocks(vector);
  const granted = vector.granted.map(([block]) => block);
  const lastUnit = (block: number): number =>
    Math.floor((lengthOf(vector, block) - 1) / CHUNK_UNIT) * CHUNK_UNIT;
  for (const block of granted) handZeros(blocks, vector, block, 0, lastUnit(block));
  expect(blocks.handleData(marked)).toBeUndefined();
  for (const block of granted) {
    const complete = handZeros(blocks, vector, block, lastUnit(block), lengthOf(vector, block));
    expectBytes(complete?.bytes, new Uint8Array(lengthOf(vector, block)));
  }
}

describe("which block a chunk belongs to, frozen", () => {
  it("is known for chunks of every block size, placed and dropped", () => {
    const chunks = positions.flatMap((vector) => vector.chunks);
    expect(new Set(positions.map(({ blockSize }) => blockSize)).size).toBe(7);
    const dropped = chunks.filter(({ block }) => block === null);
    expect([positions.length, chunks.length, dropped.length]).toEqual([20, 133, 63]);
  });

  it.each(positions)("is as the text says: $name", (vector) => {
    for (const { position, length, attempt, block, offset } of vector.chunks) {
      const marked = chunk(position, attempt, new Uint8Array(length).fill(MARK));
      if (block === null || offset === null) expectDropped(vector, marked);
      else expectPlaced(vector, marked, block, offset);
    }
  });

  it.each(positions)("is as a rescuer states it, which cuts the block: $name", (vector) => {
    const placed = vector.chunks.filter(({ block }) => block !== null);
    for (const { position, length, attempt, block, offset } of placed) {
      const bytes = Uint8Array.from({ length: lengthOf(vector, block ?? 0) }, (_, i) => i & 0xff);
      const start = ((block ?? 0) * vector.blockSize) / CHUNK_UNIT;
      const item = blockItem(block ?? 0, attempt, start, () => ({ codec: Codec.raw, payload: bytes }));
      const from = offset ?? 0;
      const payload = bytes.subarray(from, from + length);
      expect(item.packet(0, from, from + length)).toEqual(chunk(position, attempt, payload));
    }
  });
});
