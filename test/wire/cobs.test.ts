import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { cobsLengthMax, decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";

const run = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => (from + i).toString(16).padStart(2, "0")).join("");

// From Cheshire and Baker, "Consistent Overhead Byte Stuffing", and the full-stretch cases around 254.
const VECTORS: readonly [name: string, plain: string, coded: string][] = [
  ["nothing", "", "01"],
  ["one zero", "00", "0101"],
  ["two zeros", "0000", "010101"],
  ["a zero inside", "11220033", "03112202 33"],
  ["no zero", "11223344", "0511223344"],
  ["zeros at the end", "11000000", "02110101 01"],
  ["254 bytes", run(1, 254), `ff${run(1, 254)}`],
  ["a zero, then 254 bytes", `00${run(1, 254)}`, `01ff${run(1, 254)}`],
  ["255 bytes", `${run(1, 254)}ff`, `ff${run(1, 254)}02ff`],
  ["254 bytes, then a zero", `${run(1, 254)}00`, `ff${run(1, 254)}0101`],
  ["253 bytes, then a zero", `${run(2, 253)}00`, `fe${run(2, 253)}01`],
];

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.fail(`not hexadecimal: ${hex}`);

describe("COBS", () => {
  it.each(VECTORS)("codes and decodes %s", (_name, plain, coded) => {
    expect(toHex(encodeDelimited(bytes(plain)))).toBe(`00${toHex(bytes(coded))}00`);
    expect(toHex(decodeCobs(bytes(coded)) ?? expect.fail("refused"))).toBe(plain);
  });

  it.each([
    ["a code byte that points past the end", "05112233"],
    ["a zero as code byte", "021100"],
    ["a zero inside a stretch", "03110022"],
    ["a zero inside a stretch that ends with the run", "030011"],
    ["a zero as the last byte of a stretch", "0200"],
  ])("refuses %s", (_name, coded) => {
    expect(decodeCobs(bytes(coded))).toBeUndefined();
  });

  it.each([
    [0, 1],
    [1, 2],
    [253, 254],
    [254, 256],
    [508, 511],
    [2063, 2072],
  ])("takes at most the bytes that are announced: %i as %i", (length, most) => {
    expect(cobsLengthMax(length)).toBe(most);
    // All that fits into full stretches costs one byte less, since a final full stretch ends without a code byte.
    const spared = length > 0 && length % 254 === 0 ? 1 : 0;
    expect(encodeDelimited(new Uint8Array(length).fill(1)).length - 2).toBe(most - spared);
  });

  property.prop([fc.uint8Array({ maxLength: 2200 })])(
    "gives back every frame, without zeros inside",
    (plain) => {
      const coded = encodeDelimited(plain);
      expect(coded.subarray(1, -1).includes(0)).toBe(false);
      expect(coded.length - 2).toBeLessThanOrEqual(cobsLengthMax(plain.length));
      expect(decodeCobs(coded.subarray(1, -1))).toEqual(plain);
    },
  );

  property.prop([fc.uint8Array({ maxLength: 600 })])(
    "never throws, and never grows, on any bytes",
    (noise) => {
      const plain = decodeCobs(noise);
      expect(plain === undefined || plain.length <= noise.length).toBe(true);
    },
  );
});
