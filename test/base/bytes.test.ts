import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  ByteReader,
  ByteWriter,
  concatBytes,
  EMPTY,
  equalBytes,
  fromHex,
  toHex,
  uniformByte,
} from "../../src/base/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 64 });
const of = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("byte strings", () => {
  it("are equal when length and all bytes are", () => {
    expect(equalBytes(of(1, 2), of(1, 2))).toBe(true);
    expect(equalBytes(of(1, 2), of(1, 3))).toBe(false);
    expect(equalBytes(of(1, 2), of(1, 2, 3))).toBe(false);
    expect(equalBytes(EMPTY, of())).toBe(true);
  });

  it("are joined into a fresh array, which no part shares", () => {
    const part = of(1, 2);
    const joined = concatBytes(part, EMPTY, of(3));
    part[0] = 9;
    expect(joined).toEqual(of(1, 2, 3));
    expect(concatBytes()).toEqual(EMPTY);
  });

  it("are uniform when all bytes are the same, and there is one", () => {
    expect(uniformByte(of(7, 7, 7))).toBe(7);
    expect(uniformByte(of(0))).toBe(0);
    expect(uniformByte(of(7, 7, 8))).toBeUndefined();
    expect(uniformByte(EMPTY)).toBeUndefined();
  });
});

describe("hexadecimal", () => {
  it("is written in lower case and read in either, with white space anywhere", () => {
    expect(toHex(of(0x00, 0x0a, 0xff))).toBe("000aff");
    expect(fromHex(" 00 0a\nFf ")).toEqual(of(0x00, 0x0a, 0xff));
    expect(fromHex("")).toEqual(EMPTY);
  });

  it("is refused when a digit is missing or is none", () => {
    expect(["0", "000", "0g", "-1", "0x00"].map(fromHex)).toEqual(Array.from({ length: 5 }));
  });

  property.prop([bytes])("gives back the bytes that it was made of", (value) => {
    expect(fromHex(toHex(value))).toEqual(value);
  });
});

describe("a byte reader", () => {
  it("reads little-endian numbers and views, one after the other", () => {
    const source = of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 11, 12, 13);
    const r = new ByteReader(source.subarray(0));
    expect([r.u8(), r.u16(), r.u24(), r.u32()]).toEqual([1, 0x0302, 0x060504, 0xff09_0807]);
    const view = r.bytes(1);
    expect(view).toEqual(of(11));
    expect(view.buffer).toBe(source.buffer);
    expect(r.remaining).toBe(2);
    expect(r.rest()).toEqual(of(12, 13));
    expect([r.remaining, r.failed]).toEqual([0, false]);
  });

  it("reads within its view only, wherever that begins", () => {
    const r = new ByteReader(of(9, 9, 1, 2, 9).subarray(2, 4));
    expect([r.u16(), r.remaining, r.failed]).toEqual([0x0201, 0, false]);
    expect([r.u8(), r.failed]).toEqual([0, true]);
  });

  it.each([
    ["u8", 0],
    ["u16", 1],
    ["u24", 2],
    ["u32", 3],
  ] as const)("gives zero for %s past the end, fails, and gives nothing more", (read, available) => {
    const r = new ByteReader(new Uint8Array(available).fill(1));
    expect([r[read](), r.failed, r.remaining]).toEqual([0, true, 0]);
    expect(r.u8()).toBe(0);
    expect(r.rest()).toEqual(EMPTY);
  });

  it("gives an empty view past the end", () => {
    const r = new ByteReader(of(1, 2));
    expect([r.bytes(3), r.failed]).toEqual([EMPTY, true]);
  });
});

describe("a byte writer", () => {
  it("writes what a reader reads", () => {
    const w = new ByteWriter(16);
    w.u8(0xab).u16(0xcdef).u24(0x123456).u32(0xffff_fffe).bytes(of(1, 2));
    expect(w.length).toBe(12);
    expect(toHex(w.finish())).toBe("abefcd563412feffffff0102");
  });

  it("throws rather than write past its size, as a bug of ours", () => {
    expect(() => new ByteWriter(1).u16(1)).toThrow(RangeError);
    expect(() => new ByteWriter(2).u24(1)).toThrow(RangeError);
    expect(() => new ByteWriter(3).u32(1)).toThrow(RangeError);
    expect(() => new ByteWriter(1).bytes(of(1, 2))).toThrow(RangeError);
  });

  const u = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
  property.prop([u(8), u(16), u(24), u(32), bytes])("and a reader agree on every value", (a, b, c, d, e) => {
    const w = new ByteWriter(10 + e.length).u8(a).u16(b).u24(c).u32(d).bytes(e);
    const r = new ByteReader(w.finish());
    expect([r.u8(), r.u16(), r.u24(), r.u32()]).toEqual([a, b, c, d]);
    expect(r.rest()).toEqual(e);
    expect(r.failed).toBe(false);
  });
});
