import { uniformByte } from "../base/bytes.ts";
import { Codec, codecBit } from "../wire/constants.ts";

/** One way to send a block (PROTOCOL.md 4.5). */
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

/** The codecs of this version, raw first. To add one, add it here and its number to wire/constants.ts. */
export const CODECS: readonly BlockCodec[] = [raw, uniform];

/** All codecs of {@link CODECS} as a set: what a target says in ACCEPT that it takes. */
export const KNOWN_CODECS: number = CODECS.reduce((set, { codec }) => set | codecBit(codec), 0);

/** Codecs that a target allows for a block that failed so often: all at first, then only raw (PROTOCOL.md 5.9). */
export function codecsFor(failures: number): number {
  return failures === 0 ? KNOWN_CODECS : codecBit(Codec.raw);
}

/** The codec with this number; undefined when this version does not have it. */
export function codecOf(codec: Codec): BlockCodec | undefined {
  return CODECS.find((known) => known.codec === codec);
}

/** A block as it is sent. */
export interface CodedBlock {
  readonly codec: Codec;
  readonly payload: Uint8Array;
}

/**
 * Codes a block with the codec of the set `allowed` that needs the fewest bytes; of two that need as many, with the one
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
