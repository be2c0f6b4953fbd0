import { uniformByte } from "../base/bytes.ts";
import { Codec, codecBit } from "../wire/constants.ts";
import type { CodedBlockCodec } from "./coded-block.ts";

/** One way to send a block that needs nothing but the block (PROTOCOL.md 4.5). */
export interface BlockCodec {
  readonly codec: Codec;
  /** Largest payload for a block of `length` bytes, in bytes; at most `length`. A receiver buffers no more. */
  bound(length: number): number;
  /** The payload that stands for `block`; undefined when this codec has none within {@link bound}. */
  encode(block: Uint8Array): Uint8Array | undefined;
  /**
   * The block of `length` bytes that `payload` stands for. Undefined when there is none: `payload` is malformed, or it
   * is only the beginning of one. Called again each time more of the payload has arrived. May return a view of
   * `payload`. Never throws, and writes no more than `length` bytes.
   */
  decode(payload: Uint8Array, length: number): Uint8Array | undefined;
}

const raw: BlockCodec = {
  codec: Codec.raw,
  bound: (length) => length,
  encode: (block) => block,
  decode: (payload, length) => (payload.length === length ? payload : undefined),
};

const uniform: BlockCodec = {
  codec: Codec.uniform,
  bound: () => 1,
  encode: (block) => {
    const byte = uniformByte(block);
    return byte === undefined ? undefined : Uint8Array.of(byte);
  },
  decode: (payload, length) =>
    payload.length === 1 ? new Uint8Array(length).fill(payload[0] as number) : undefined,
};

/** The codecs that every implementation of this version can take, raw first. Coded blocks are in coded-block.ts. */
export const CODECS: readonly BlockCodec[] = [raw, uniform];

/** Raw alone, as a set. */
export const RAW_CODECS: number = codecBit(Codec.raw);

/** Codecs that every implementation of this version takes, as a set. */
export const PLAIN_CODECS: number = CODECS.reduce((set, { codec }) => set | codecBit(codec), 0);

/** All codecs of this version as a set: what the reference says in ACCEPT that it takes. */
export const KNOWN_CODECS: number = PLAIN_CODECS | codecBit(Codec.deflate) | codecBit(Codec.dictionary);

/**
 * Codecs that a target allows for a block that failed so often: all that it takes at first, then only raw (PROTOCOL.md
 * 5.9).
 */
export function codecsFor(failures: number, taken: number): number {
  return failures === 0 ? taken : RAW_CODECS;
}

/** Whether payloads of this codec are coded blocks. */
export function isCodedCodec(codec: Codec): codec is CodedBlockCodec {
  return codec === Codec.deflate || codec === Codec.dictionary;
}

/** Largest payload of a codec for a block of `length` bytes: a coded block is shorter than the block. */
export function payloadBound(codec: Codec, length: number): number {
  return isCodedCodec(codec) ? length - 1 : (codecOf(codec)?.bound(length) ?? 0);
}

/** The codec with this number; undefined when it is not one of {@link CODECS}. */
export function codecOf(codec: Codec): BlockCodec | undefined {
  return CODECS.find((known) => known.codec === codec);
}

/** A block as it is sent. */
export interface CodedBlock {
  readonly codec: Codec;
  readonly payload: Uint8Array;
}

/**
 * Codes a block with the codec of {@link CODECS} and of the set `allowed` that needs the fewest bytes; of two that need as many, with the one
 * that comes first in {@link CODECS}. Raw is always allowed.
 */
export function encodeBlock(block: Uint8Array, allowed: number): CodedBlock {
  let best: CodedBlock = { codec: Codec.raw, payload: block };
  for (const { codec, encode } of CODECS) {
    if ((allowed & codecBit(codec)) === 0) continue;
    const payload = encode(block);
    if (payload !== undefined && payload.length < best.payload.length) best = { codec, payload };
  }
  return best;
}

/** Makes coded blocks of one image; given with each block by who reads it, and may know the image's other blocks. */
export interface BlockCoder {
  /**
   * A coded block in one of the codecs of the set `allowed` that stands for a block; undefined when none is found that is
   * shorter than it. `isHeld`: whether the target has a block, and has checked it. Never throws.
   */
  code(
    index: number,
    block: Uint8Array,
    allowed: number,
    isHeld: (index: number) => boolean,
  ): CodedBlock | undefined;
}
