import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  CODECS,
  codecOf,
  codecsFor,
  encodeBlock,
  isCodedCodec,
  KNOWN_CODECS,
  PLAIN_CODECS,
  payloadBound,
} from "../../src/session/codecs.ts";
import { Codec, codecBit } from "../../src/wire/constants.ts";

const UNIFORM_BLOCK: Uint8Array = new Uint8Array(4096).fill(0xa5);
const MIXED_BLOCK: Uint8Array = Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff);

describe("the table of block codecs", () => {
  it("has raw first, and each codec once", () => {
    const codecs = CODECS.map(({ codec }) => codec);
    expect(codecs[0]).toBe(Codec.raw);
    expect(new Set(codecs).size).toBe(codecs.length);
  });

  it("holds raw and uniform, which every node takes; deflate and dictionary are coded blocks", () => {
    expect(PLAIN_CODECS).toBe(0b11);
    expect(KNOWN_CODECS).toBe(0b1111);
    expect(codecOf(Codec.raw)?.codec).toBe(Codec.raw);
    expect(codecOf(Codec.uniform)?.codec).toBe(Codec.uniform);
    expect([Codec.deflate, Codec.dictionary].map(codecOf)).toEqual([undefined, undefined]);
    expect(Object.values(Codec).filter(isCodedCodec)).toEqual([Codec.deflate, Codec.dictionary]);
  });

  it("bounds each payload by the block, and a coded block by one byte less", () => {
    const bounds = Object.values(Codec).map((codec) => payloadBound(codec, 100));
    expect(bounds).toEqual([100, 1, 99, 99]);
    expect(payloadBound(Codec.deflate, 1)).toBe(0);
  });

  it("allows what the target takes in the first attempt at a block and only raw afterwards", () => {
    const allowed = [0, 1, 2, 7].map((failures) => codecsFor(failures, KNOWN_CODECS));
    expect(allowed).toEqual([KNOWN_CODECS, 1, 1, 1]);
    expect(codecsFor(0, PLAIN_CODECS)).toBe(PLAIN_CODECS);
  });
});

describe("encoding a block", () => {
  it("sends one byte for a block of one repeated byte, if uniform is allowed", () => {
    expect(encodeBlock(UNIFORM_BLOCK, KNOWN_CODECS)).toEqual({
      codec: Codec.uniform,
      payload: Uint8Array.of(0xa5),
    });
    expect(encodeBlock(UNIFORM_BLOCK, codecBit(Codec.raw)).codec).toBe(Codec.raw);
  });

  it("sends a block of mixed bytes raw, whatever is allowed", () => {
    for (const allowed of [0, codecBit(Codec.uniform), KNOWN_CODECS, 0xf]) {
      expect(encodeBlock(MIXED_BLOCK, allowed)).toEqual({ codec: Codec.raw, payload: MIXED_BLOCK });
    }
  });

  it("prefers raw where another codec saves nothing: a block of one byte", () => {
    expect(encodeBlock(Uint8Array.of(7), KNOWN_CODECS).codec).toBe(Codec.raw);
  });
});

describe("decoding a block", () => {
  it.each(CODECS)("with codec $codec needs the whole payload and nothing behind it", ({ encode, decode }) => {
    const payload = encode(UNIFORM_BLOCK);
    if (payload === undefined) return expect.fail("this codec has no payload for a uniform block");
    expect(decode(payload, UNIFORM_BLOCK.length)).toEqual(UNIFORM_BLOCK);
    expect(decode(payload.subarray(0, -1), UNIFORM_BLOCK.length)).toBeUndefined();
    expect(decode(Uint8Array.of(...payload, 0), UNIFORM_BLOCK.length)).toBeUndefined();
  });
});

const byte = fc.integer({ min: 0, max: 255 });
/** Blocks of one repeated byte are as frequent as others. */
const block: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2048 }),
  fc.tuple(byte, fc.integer({ min: 1, max: 2048 })).map(([value, n]) => new Uint8Array(n).fill(value)),
);

describe("each codec", () => {
  property.prop([block, fc.constantFrom(...CODECS)])(
    "gives back what it encoded, within its bound, and nothing for less of it",
    (bytes, { bound, encode, decode }) => {
      expect(bound(bytes.length)).toBeLessThanOrEqual(bytes.length);
      const payload = encode(bytes);
      if (payload === undefined) return;
      expect(payload.length).toBeLessThanOrEqual(bound(bytes.length));
      expect(decode(payload, bytes.length)).toEqual(bytes);
      for (let n = 0; n < payload.length; n += 1 + Math.floor(payload.length / 16))
        expect(decode(payload.subarray(0, n), bytes.length)).toBeUndefined();
    },
  );

  property.prop([
    fc.uint8Array({ maxLength: 64 }),
    fc.integer({ min: 1, max: 4096 }),
    fc.constantFrom(...CODECS),
  ])(
    "takes any bytes without throwing, and gives a block of the right length or none",
    (payload, length, { decode }) => {
      expect([undefined, length]).toContain(decode(payload, length)?.length);
    },
  );

  property.prop([block, fc.integer({ min: 0, max: 15 })])(
    "of those allowed is left aside for one that needs fewer bytes",
    (bytes, allowed) => {
      const chosen = encodeBlock(bytes, allowed);
      expect(chosen.codec === Codec.raw || (allowed & codecBit(chosen.codec)) !== 0).toBe(true);
      expect(codecOf(chosen.codec)?.decode(chosen.payload, bytes.length)).toEqual(bytes);
      for (const { codec, encode } of CODECS) {
        const isAllowed = codec === Codec.raw || (allowed & codecBit(codec)) !== 0;
        if (isAllowed)
          expect(chosen.payload.length).toBeLessThanOrEqual(encode(bytes)?.length ?? bytes.length);
      }
    },
  );
});
