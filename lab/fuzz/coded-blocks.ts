import { inflateRawSync } from "node:zlib";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { decodeCoded, encodeCodedBlock, isCodedComplete } from "../../src/session/coded-block.ts";
import { deflate } from "../../src/session/deflate/deflate.ts";
import { Codec } from "../../src/wire/constants.ts";
import { tameFirmware } from "../../test/support/tame-firmware.ts";
import { must, type ParserTarget } from "./fuzz-target.ts";

const SIZE = 1024;
const FIRMWARE: Uint8Array = tameFirmware(20 * SIZE);
/** Blocks that are held are those below. */
const HELD = 16;
/** Bytes before the stream of a coded block that names no block, and one more for each name. */
const HEAD = 3;
const NAME = 3;

function block(index: number): Uint8Array {
  return FIRMWARE.subarray(index * SIZE, (index + 1) * SIZE);
}

function seeds(): Uint8Array[] {
  const own = block(HELD);
  const noise = concatBytes(randomBytes(new SeededRandom(1), 100), new Uint8Array(SIZE - 100));
  const named = [[0], [3, 1], [15, 14, 13, 12, 11, 10, 9, 8]].map((names) =>
    concatBytes(Uint8Array.of(1), encodeCodedBlock(deflate(own, concatBytes(...names.map(block))), names)),
  );
  const plain = [own, noise, new Uint8Array(SIZE)].map((bytes) =>
    concatBytes(Uint8Array.of(0), encodeCodedBlock(deflate(bytes), undefined)),
  );
  const unknown = encodeCodedBlock(deflate(own), [HELD]);
  return [...named, ...plain, concatBytes(Uint8Array.of(1), unknown)];
}

/** What zlib makes of the stream; undefined when it takes none. */
function byZlib(stream: Uint8Array, dictionary: Uint8Array | undefined): Uint8Array | undefined {
  try {
    return inflateRawSync(stream, { maxOutputLength: SIZE, ...(dictionary && { dictionary }) });
  } catch {
    return undefined;
  }
}

/** Coded blocks beside zlib; the first byte of an input chooses the codec. */
export const codedBlocks: ParserTarget = {
  tag: "parser",
  name: "coded",
  weight: 4,
  seeds,
  run(input) {
    const codec = ((input[0] ?? 0) & 1) === 0 ? Codec.deflate : Codec.dictionary;
    const payload = input.subarray(1);
    const asked: number[] = [];
    const decoded = decodeCoded(codec, payload, SIZE, SIZE, (index) => {
      asked.push(index);
      return index < HELD ? block(index) : undefined;
    });
    must(asked.length <= 32, "no more blocks are read than a dictionary has room for");
    if (decoded === "missing") return "missing";
    if (decoded === undefined) return `none, ${isCodedComplete(payload, SIZE) ? "complete" : "in part"}`;
    must(decoded.length === SIZE, "a block has its length");
    must(isCodedComplete(payload, SIZE), "what gives a block is complete");
    const end = HEAD + (payload[0] ?? 0) + 256 * (payload[1] ?? 0);
    const named = codec === Codec.dictionary ? 1 + NAME * (payload[HEAD] ?? 0) : 0;
    const dictionary = named > 1 ? concatBytes(...asked.map(block)) : undefined;
    const other = byZlib(payload.subarray(HEAD + named, end), dictionary);
    must(other !== undefined && equalBytes(other, decoded), "zlib reads the same block");
    return `a block, ${asked.length === 0 ? "without a dictionary" : "with one"}`;
  },
};
