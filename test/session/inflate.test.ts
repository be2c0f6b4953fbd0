import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/bytes.ts";
import { inflate } from "../../src/session/deflate/inflate.ts";

function bytes(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}

/** What zlib makes of a stream; undefined when it refuses it, or the output has another length. */
function byZlib(deflated: Uint8Array, length: number, dictionary?: Uint8Array): Uint8Array | undefined {
  try {
    const options = { maxOutputLength: length, ...(dictionary && { dictionary }) };
    const out = inflateRawSync(deflated, options);
    return out.length === length ? new Uint8Array(out) : undefined;
  } catch {
    return undefined;
  }
}

const TEXT: Uint8Array = new TextEncoder().encode(
  "the board calls, and the rescuer answers the board. ".repeat(40),
);

describe("inflating", () => {
  it("takes stored blocks, and as many of them as there are", () => {
    expect(inflate(bytes("01 0300 fcff 010203"), 3)).toEqual(bytes("010203"));
    expect(inflate(bytes("00 0100 feff 01 00 0000 ffff 01 0200 fdff 0203"), 3)).toEqual(bytes("010203"));
  });

  it("takes the fixed code, and a copy that overlaps itself", () => {
    expect(inflate(bytes("4b4c440200"), 13)).toEqual(new Uint8Array(13).fill(0x61));
  });

  it("takes what zlib writes with each strategy and level", () => {
    const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED])
      for (const level of [0, 1, 6, 9])
        expect(inflate(deflateRawSync(TEXT, { strategy, level }), TEXT.length)).toEqual(TEXT);
  });

  it("copies from the dictionary before the first byte", () => {
    const deflated = deflateRawSync(TEXT, { dictionary: TEXT.subarray(100) });
    expect(deflated.length).toBeLessThan(60);
    expect(inflate(deflated, TEXT.length, TEXT.subarray(100))).toEqual(TEXT);
    expect(inflate(deflated, TEXT.length)).toBeUndefined();
  });
});

describe("a stream that is refused", () => {
  const deflated = deflateRawSync(TEXT);

  it("is longer or shorter than the block, by as little as one byte", () => {
    expect(inflate(deflated, TEXT.length - 1)).toBeUndefined();
    expect(inflate(deflated, TEXT.length + 1)).toBeUndefined();
    expect(inflate(deflated, 0)).toBeUndefined();
    expect(inflate(bytes("01 0300 fcff 010203"), 2)).toBeUndefined();
  });

  it("would inflate to far more than the block", () => {
    expect(inflate(deflateRawSync(new Uint8Array(64 * 1024 * 1024)), 4096)).toBeUndefined();
  });

  it("is read no further than to the first byte too many", () => {
    let last = 0;
    const watched = (stream: Uint8Array): Uint8Array =>
      new Proxy(stream, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) last = Math.max(last, Number(key));
          return Reflect.get(target, key, target) as unknown;
        },
      });
    const zeros = new Uint8Array(1_000_000);
    const copies = deflateRawSync(zeros);
    const literals = deflateRawSync(zeros, { strategy: constants.Z_HUFFMAN_ONLY });
    for (const [stream, most] of [
      [copies, 40],
      [literals, 600],
    ] as const) {
      last = 0;
      expect(stream.length).toBeGreaterThan(900);
      expect(inflate(watched(stream), 4096)).toBeUndefined();
      expect(last).toBeGreaterThan(5);
      expect(last).toBeLessThan(most);
    }
  });

  it("ends early, or has bytes behind its end", () => {
    for (let n = 0; n < deflated.length; n++)
      expect(inflate(deflated.subarray(0, n), TEXT.length)).toBeUndefined();
    expect(inflate(new Uint8Array([...deflated, 0]), TEXT.length)).toBeUndefined();
  });

  it.each([
    ["of the block type that RFC 1951 reserves", "07"],
    ["of a stored block whose length and complement differ", "01 0300 fcfe 010203"],
    ["of a stored block that is longer than the input", "01 0400 fbff 010203"],
    ["of a copy from before the first byte", "63 00 06 00"],
    ["of a code with more codes than fit", "05 e0 ff ff ff ff ff"],
    ["of 287 literals", "f5 01 00 00 00 00"],
    ["of a dynamic block that begins with a repetition", "05 c0 81 80 00 00"],
    ["of empty blocks without an end", "00 0000 ffff".repeat(10_000)],
  ])("is one %s", (_what, hex) => {
    const stream = bytes(hex);
    for (const length of [1, 3, 4096]) {
      expect(inflate(stream, length)).toBeUndefined();
      expect(byZlib(stream, length)).toBeUndefined();
    }
  });
});

const text = fc.array(fc.constantFrom(...[0, 0, 0, 1, 2, 65, 66, 255]), { minLength: 1, maxLength: 3000 });
const block = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2048 }),
  text.map((all) => Uint8Array.from(all)),
);
const seed = 0x1951;

describe("inflating beside zlib", () => {
  property.prop([block, block, fc.integer({ min: 0, max: 9 })], { seed })(
    "gives back what zlib deflated, with a dictionary and without",
    (data, dictionary, level) => {
      expect(inflate(deflateRawSync(data, { level }), data.length)).toEqual(data);
      const deflated = deflateRawSync(data, { level, dictionary });
      expect(inflate(deflated, data.length, dictionary)).toEqual(data);
    },
  );

  property.prop(
    [block, fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.boolean()],
    { seed, numRuns: 2000 },
  )("gives what zlib gives, or nothing, of a stream with bytes changed", (data, changes, hasDictionary) => {
    const dictionary = hasDictionary ? TEXT : undefined;
    const stream = new Uint8Array(deflateRawSync(data, dictionary && { dictionary }));
    for (const [at, value] of changes) stream[at % stream.length] = value;
    const mine = inflate(stream, data.length, dictionary);
    // zlib does not look at what stands behind the end of a stream.
    if (mine !== undefined) expect(mine).toEqual(byZlib(stream, data.length, dictionary));
  });

  property.prop([fc.uint8Array({ maxLength: 200 }), fc.nat(5000)], { seed, numRuns: 5000 })(
    "takes any bytes without throwing, and gives a block of the right length or none",
    (stream, length) => {
      const out = inflate(stream, length);
      expect([undefined, length]).toContain(out?.length);
      if (out !== undefined) expect(out).toEqual(byZlib(stream, length));
    },
  );
});
