import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { sha256 } from "../../src/image/hash.ts";
import { type CodedBlockCodec, decodeCoded } from "../../src/session/coded-block.ts";
import { WantedBlocks } from "../../src/session/target/wanted-blocks.ts";
import { CHUNK_UNIT, type Codec } from "../../src/wire/constants.ts";
import { vectorFile } from "../support/vector-file.ts";

interface DecodedVector {
  readonly name: string;
  readonly codec: CodedBlockCodec;
  readonly blockSize: number;
  readonly length: number;
  readonly held: readonly number[];
  readonly payload: string;
  readonly hash: string | null;
}
interface AssembledVector {
  readonly name: string;
  readonly takes: number;
  readonly length: number;
  readonly chunks: readonly {
    readonly codec: Codec;
    readonly attempt: number;
    readonly offset: number;
    readonly payload: string;
  }[];
  readonly completedBy: number | null;
}

const { decoded, assembled } = vectorFile<{
  readonly decoded: readonly DecodedVector[];
  readonly assembled: readonly AssembledVector[];
}>("codecs-v1.json");

function bytes(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}

/** Byte i of block b is (floor(b / 256^(i mod 4)) + 5 i) modulo 256. */
function blockOf(block: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (block >>> (8 * (i % 4))) + 5 * i);
}

describe("a coded block of codecs-v1.json", () => {
  it.each(decoded)("gives the block that the vector says, or none: $name", (vector) => {
    const { codec, payload, length, blockSize, held } = vector;
    const block = decodeCoded(codec, bytes(payload), length, blockSize, (number) =>
      held.includes(number) ? blockOf(number, blockSize) : undefined,
    );
    expect(block instanceof Uint8Array ? toHex(sha256(block)) : null).toBe(vector.hash);
  });
});

describe("the chunks of a vector of codecs-v1.json", () => {
  it.each(assembled)("complete a block when it says: $name", ({ takes, length, chunks, completedBy }) => {
    const plan = { digest: new Uint8Array(8), size: length, blockSize: 1024, leafCount: 1 };
    const blocks = new WantedBlocks(plan, 1, takes);
    blocks.add([0]);
    blocks.openMore();
    const results = chunks.map(({ codec, attempt, offset, payload }) => {
      const place = { packetNumber: 0, position: offset / CHUNK_UNIT };
      return blocks.handleData({ tag: "data", ...place, codec, attempt, payload: bytes(payload) });
    });
    expect(results.findIndex((complete) => complete !== undefined)).toBe(completedBy ?? -1);
  });
});
