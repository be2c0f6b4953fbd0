import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts";
import { Codec, CodedSubtype, DICTIONARY_MAX } from "../wire/constants.ts";
import { inflate } from "./deflate/inflate.ts";

/** Bytes of the length in front, and of the least that follows it: the subtype and nothing else. */
const LENGTH_BYTES = 2;
const HEAD_BYTES = 3;
const NAME_BYTES = 3;
/** Most blocks that a dictionary can name. */
export const NAMES_MAX = 255;

/** A codec whose payload is a coded block (PROTOCOL.md 4.5). */
export type CodedBlockCodec = typeof Codec.deflate | typeof Codec.dictionary;

/** The block that the target has, checked, under a number; undefined when it has none. */
export type HeldBlocks = (block: number) => Uint8Array | undefined;

/** Whether a coded block has arrived: all of it, or enough to see that it is longer than one may be for a block of `length`. */
export function isCodedComplete(prefix: Uint8Array, length: number): boolean {
  const coded = codedLength(prefix);
  return coded !== undefined && (prefix.length >= coded || coded >= length);
}

/** Bytes of the coded block that begins so, its own length included; undefined when that is not known yet. */
function codedLength(prefix: Uint8Array): number | undefined {
  if (prefix.length < LENGTH_BYTES) return undefined;
  return LENGTH_BYTES + new ByteReader(prefix).u16() + 1;
}

/**
 * The `length` bytes that a coded block stands for. "missing" when a block that it names is not held; undefined when it is
 * malformed, of another subtype, or stands for another length. Never throws. Calls `held` for blocks of `blockSize` bytes as
 * long as they add to the dictionary, which is bounded.
 */
export function decodeCoded(
  codec: CodedBlockCodec,
  payload: Uint8Array,
  length: number,
  blockSize: number,
  held: HeldBlocks,
): Uint8Array | "missing" | undefined {
  const coded = codedLength(payload);
  if (coded === undefined || coded > payload.length || coded >= length) return undefined;
  const reader = new ByteReader(payload.subarray(LENGTH_BYTES, coded));
  if (reader.u8() !== CodedSubtype.deflate) return undefined;
  if (codec === Codec.deflate) return inflate(reader.rest(), length);
  const names = Array.from({ length: reader.u8() }, () => reader.u24());
  if (reader.failed) return undefined;
  const dictionary = dictionaryOf(names, blockSize, held);
  return dictionary === undefined ? "missing" : inflate(reader.rest(), length, dictionary);
}

/** The last 32 KiB of the named blocks, joined. Blocks before them are not looked at. */
export function dictionaryOf(
  names: readonly number[],
  blockSize: number,
  held: HeldBlocks,
): Uint8Array | undefined {
  const count = Math.max(1, Math.ceil(DICTIONARY_MAX / blockSize));
  const blocks: Uint8Array[] = [];
  for (const name of names.slice(-count)) {
    const block = held(name);
    if (block === undefined) return undefined;
    blocks.push(block);
  }
  return concatBytes(...blocks).slice(-DICTIONARY_MAX);
}

/** A coded block of what was deflated, with the dictionary's blocks named (none for codec deflate). */
export function encodeCodedBlock(deflated: Uint8Array, names: readonly number[] | undefined): Uint8Array {
  const namesBytes = names === undefined ? 0 : 1 + NAME_BYTES * names.length;
  const writer = new ByteWriter(HEAD_BYTES + namesBytes + deflated.length);
  writer.u16(1 + namesBytes + deflated.length - 1).u8(CodedSubtype.deflate);
  if (names !== undefined) {
    writer.u8(names.length);
    for (const name of names) writer.u24(name);
  }
  return writer.bytes(deflated).finish();
}
