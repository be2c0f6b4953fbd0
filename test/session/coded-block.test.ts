import { deflateRawSync } from "node:zlib";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { decodeCoded, encodeCodedBlock, isCodedComplete } from "../../src/session/coded-block.ts";
import { Codec } from "../../src/wire/constants.ts";

const SIZE = 4096;
const random = new SeededRandom(5);
/** Ten blocks without anything in common. */
const BLOCKS: readonly Uint8Array[] = Array.from({ length: 10 }, () => randomBytes(random, SIZE));
/** Made of pieces of blocks 2 to 9. */
const MIXED: Uint8Array = concatBytes(...BLOCKS.slice(2).map((block) => block.subarray(100, 612)));

let asked: number[] = [];
function held(block: number): Uint8Array | undefined {
  asked.push(block);
  return BLOCKS[block];
}

function decode(
  codec: typeof Codec.deflate | typeof Codec.dictionary,
  payload: Uint8Array,
  length = SIZE,
): unknown {
  asked = [];
  return decodeCoded(codec, payload, length, SIZE, held);
}

function joined(names: readonly number[]): Uint8Array {
  return concatBytes(...names.map((name) => BLOCKS[name] ?? new Uint8Array()));
}

describe("a coded block", () => {
  const names = [2, 3, 4, 5, 6, 7, 8, 9];
  const payload = encodeCodedBlock(deflateRawSync(MIXED, { dictionary: joined(names) }), names);

  it("of codec deflate is its length, a subtype, and the stream", () => {
    const tame = MIXED.slice().fill(7, 1000);
    const deflated = deflateRawSync(tame);
    const coded = encodeCodedBlock(deflated, undefined);
    expect(coded.subarray(0, 3)).toEqual(Uint8Array.of(deflated.length & 0xff, deflated.length >> 8, 0));
    expect(coded.subarray(3)).toEqual(new Uint8Array(deflated));
    expect(decode(Codec.deflate, coded)).toEqual(tame);
    expect(asked).toEqual([]);
  });

  it("of codec dictionary has the numbers of the blocks before the stream, and is read with these blocks", () => {
    const own = encodeCodedBlock(deflateRawSync(MIXED, { dictionary: joined([5]) }), [5]);
    expect(own.subarray(2, 7)).toEqual(Uint8Array.of(0, 1, 5, 0, 0));
    expect(decode(Codec.dictionary, own)).toEqual(MIXED);
    expect(payload.length).toBeLessThan(SIZE);
    const full = concatBytes(...BLOCKS.slice(2).map((block) => block.subarray(100, 612)));
    const all = encodeCodedBlock(deflateRawSync(full, { dictionary: joined(names) }), names);
    // zlib does not look at the very first bytes of a dictionary of 32 KiB.
    expect(all.length).toBeLessThan(700);
    expect(decode(Codec.dictionary, all)).toEqual(full);
  });

  it("is read with the last 32 KiB of the blocks that it names; those before are not looked at", () => {
    const many = [...Array.from({ length: 247 }, () => 0xffffff), ...names];
    const coded = encodeCodedBlock(deflateRawSync(MIXED, { dictionary: joined(names) }), many);
    expect(decode(Codec.dictionary, coded)).toEqual(MIXED);
    expect(asked).toEqual(names);
  });

  it("is read with half of a block of 64 KiB, its last one", () => {
    const large = randomBytes(new SeededRandom(6), 65_536);
    const block = large.slice(40_000);
    const coded = encodeCodedBlock(deflateRawSync(block, { dictionary: large.subarray(32_768) }), [1]);
    expect(coded.length).toBeLessThan(1000);
    expect(decodeCoded(Codec.dictionary, coded, block.length, 65_536, () => large)).toEqual(block);
  });

  it("names a block that the target does not have: that is said, and nothing is inflated", () => {
    for (const missing of [10, 0xffffff]) {
      const short = deflateRawSync(new Uint8Array(SIZE));
      expect(decode(Codec.dictionary, encodeCodedBlock(short, [2, missing]))).toBe("missing");
    }
  });

  it.each([
    ["of another subtype", Uint8Array.of(3, 0, 1, 3, 0, 0), 1],
    ["longer than what came", encodeCodedBlock(deflateRawSync(MIXED), undefined).subarray(0, -1), SIZE],
    ["without a subtype", Uint8Array.of(0, 0), SIZE],
    ["without a stream", Uint8Array.of(0, 0, 0), SIZE],
    ["nothing", new Uint8Array(), SIZE],
    ["for a block of another length", encodeCodedBlock(deflateRawSync(MIXED.subarray(1)), undefined), SIZE],
    ["as long as its block", encodeCodedBlock(deflateRawSync(new Uint8Array(7)), undefined), 7],
    [
      "of 64 MiB of zeros",
      encodeCodedBlock(deflateRawSync(new Uint8Array(67_108_864)).subarray(0, 4000), undefined),
      SIZE,
    ],
  ])("is refused when it is %s", (_what, coded, length) => {
    expect(decode(Codec.deflate, coded, length)).toBeUndefined();
  });

  it("is refused when fewer names come than it says, 255 of them for instance", () => {
    expect(decode(Codec.dictionary, Uint8Array.of(3, 0, 0, 255, 1, 0))).toBeUndefined();
    expect(decode(Codec.dictionary, Uint8Array.of(0, 0, 0))).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it("is complete when all of it has come, or when its length cannot be right", () => {
    expect(isCodedComplete(payload, SIZE)).toBe(true);
    for (const n of [0, 1, 2, 3, payload.length - 1])
      expect(isCodedComplete(payload.subarray(0, n), SIZE)).toBe(false);
    expect(isCodedComplete(Uint8Array.of(0xff, 0xff), SIZE)).toBe(true);
    expect(isCodedComplete(Uint8Array.of(0xfc, 0x0f), SIZE)).toBe(false);
    expect(isCodedComplete(Uint8Array.of(0xfd, 0x0f), SIZE)).toBe(true);
  });

  const seed = 0xc0de;
  const change = fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { maxLength: 4 });

  property.prop([change, fc.constantFrom(Codec.deflate, Codec.dictionary)], { seed, numRuns: 2000 })(
    "with any bytes changed throws nothing, gives a block of the right length or none, and asks for 8 blocks at most",
    (changes, codec) => {
      const changed = payload.slice();
      for (const [at, value] of changes) changed[at % changed.length] = value;
      const out = decode(codec, changed);
      expect(
        out === undefined || out === "missing" || (out instanceof Uint8Array && out.length === SIZE),
      ).toBe(true);
      expect(asked.length).toBeLessThanOrEqual(8);
    },
  );

  property.prop([fc.uint8Array({ maxLength: 300 }), fc.constantFrom(Codec.deflate, Codec.dictionary)], {
    seed,
    numRuns: 2000,
  })("of random bytes throws nothing, and gives a block of the right length or none", (bytes, codec) => {
    const out = decode(codec, concatBytes(Uint8Array.of(bytes.length & 0xff, bytes.length >> 8, 0), bytes));
    expect(out === undefined || out === "missing" || (out instanceof Uint8Array && out.length === SIZE)).toBe(
      true,
    );
  });
});
