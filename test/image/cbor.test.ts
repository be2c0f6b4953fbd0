import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AssertionError } from "../../src/base/assert.ts";
import { toHex } from "../../src/base/bytes.ts";
import { CborReader, CborWriter } from "../../src/image/cbor.ts";
import { unhex } from "./support.ts";

describe("CBOR", () => {
  // RFC 8949 appendix A.
  it.each([
    [0, "00"],
    [10, "0a"],
    [23, "17"],
    [24, "1818"],
    [100, "1864"],
    [1000, "1903e8"],
    [1_000_000, "1a000f4240"],
    [1_000_000_000_000, "1b000000e8d4a51000"],
  ])("writes and reads %d", (value, expected) => {
    expect(toHex(new CborWriter(16).uint(value).finish())).toBe(expected);
    const reader = new CborReader(unhex(expected));
    expect(reader.uint(Number.MAX_SAFE_INTEGER)).toBe(value);
    expect(reader.fault).toBeUndefined();
    expect(reader.remaining).toBe(0);
  });

  it.each([0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER])(
    "writes and reads %d in its shortest form, to the byte",
    (value) => {
      const width = value < 24 ? 1 : value < 256 ? 2 : value < 65_536 ? 3 : value < 2 ** 32 ? 5 : 9;
      const writer = new CborWriter(width).uint(value);
      expect(writer.length).toBe(width);
      const reader = new CborReader(writer.finish());
      expect(reader.uint(Number.MAX_SAFE_INTEGER)).toBe(value);
      expect([reader.fault, reader.offset, reader.remaining]).toEqual([undefined, width, 0]);
      expect(() => new CborWriter(width - 1).uint(value)).toThrow(AssertionError);
    },
  );

  it.each([-1, 1.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN])("does not write %d", (value) => {
    expect(() => new CborWriter(16).uint(value)).toThrow(AssertionError);
  });

  it("accepts numbers and lengths at their limits, and faults them above", () => {
    const uint = (bytes: string): unknown => {
      const reader = new CborReader(unhex(bytes));
      return [reader.uint(10, 5), reader.fault?.fault];
    };
    expect([uint("04"), uint("05"), uint("0a"), uint("0b")]).toEqual([
      [0, "range"],
      [5, undefined],
      [10, undefined],
      [0, "range"],
    ]);
    const bytes = (bytes: string): unknown => {
      const reader = new CborReader(unhex(bytes));
      return [toHex(reader.bytes(1, 2)), reader.fault?.fault, reader.offset];
    };
    expect(bytes("40")).toEqual(["", "range", 1]);
    expect(bytes("41aa")).toEqual(["aa", undefined, 2]);
    expect(bytes("42aabb")).toEqual(["aabb", undefined, 3]);
    expect(bytes("43aabbcc")).toEqual(["", "range", 1]);
    const text = (bytes: string): unknown => {
      const reader = new CborReader(unhex(bytes));
      return [reader.text(3), reader.fault];
    };
    expect(text("63414243")).toEqual(["ABC", undefined]);
    expect(text("6441424344")).toEqual(["", { fault: "range", offset: 0 }]);
    expect(text("60")).toEqual(["", undefined]);
  });

  it("accepts arrays and maps of exactly the expected count", () => {
    const heads = new CborReader(unhex("83", "b1"));
    heads.array(3);
    heads.map(17);
    expect(heads.fault).toBeUndefined();
    for (const [bytes, fault] of [
      ["82", "range"],
      ["84", "range"],
      ["a3", "type"],
    ] as const) {
      const reader = new CborReader(unhex(bytes));
      reader.array(3);
      expect(reader.fault).toEqual({ fault, offset: 0 });
    }
    for (const [bytes, fault] of [
      ["a2", "range"],
      ["a4", "range"],
      ["83", "type"],
    ] as const) {
      const reader = new CborReader(unhex(bytes));
      reader.map(3);
      expect(reader.fault).toEqual({ fault, offset: 0 });
    }
  });

  it("reports the offset of an item with a fault", () => {
    const at = (bytes: string): unknown => {
      const reader = new CborReader(unhex("01", bytes));
      reader.uint(1);
      reader.bytes(1, 300);
      return reader.fault;
    };
    expect(at("03")).toEqual({ fault: "type", offset: 1 });
    expect(at("5f")).toEqual({ fault: "not-canonical", offset: 1 });
    expect(at("5802")).toEqual({ fault: "not-canonical", offset: 1 });
    expect(at("40")).toEqual({ fault: "range", offset: 1 });
    expect(at("42aa")).toEqual({ fault: "truncated", offset: 2 });
    expect(at("59")).toEqual({ fault: "truncated", offset: 2 });
    expect(at("")).toEqual({ fault: "truncated", offset: 1 });
  });

  it("writes strings and heads as in RFC 8949", () => {
    expect(toHex(new CborWriter(16).text("ü").finish())).toBe("62c3bc");
    expect(toHex(new CborWriter(16).bytes(Uint8Array.of(1, 2)).finish())).toBe("420102");
    expect(toHex(new CborWriter(16).array(3).map(17).finish())).toBe("83b1");
  });

  it.each([
    ["a number in a longer form", "1817", "not-canonical"],
    ["a number in a longer form", "1900ff", "not-canonical"],
    ["a number in a longer form", "1a0000ffff", "not-canonical"],
    ["a number in a longer form", "1b00000000ffffffff", "not-canonical"],
    ["a reserved head", "1c", "not-canonical"],
    ["an indefinite length", "1f", "not-canonical"],
    ["another type", "20", "type"],
    ["a cut-off number", "1903", "truncated"],
    ["nothing", "", "truncated"],
    ["a number over its limit", "1903e9", "range"],
    ["a number that no double holds", "1bffffffffffffffff", "range"],
  ])("faults %s: %s", (_name, bytes, fault) => {
    const reader = new CborReader(unhex(bytes));
    expect(reader.uint(1000)).toBe(0);
    expect(reader.fault?.fault).toBe(fault);
  });

  it.each([
    ["a length beyond the end", "5bffffffffffffffff", "range"],
    ["a length beyond the end", "5a7fffffff", "range"],
    ["a length beyond the end", "43aabb", "truncated"],
    ["an indefinite string", "5f42aabbff", "not-canonical"],
  ])("faults %s without allocating it: %s", (_name, bytes, fault) => {
    const reader = new CborReader(unhex(bytes));
    expect(reader.bytes(0, 64)).toHaveLength(0);
    expect(reader.fault?.fault).toBe(fault);
  });

  it.each(["61ff", "62c080", "63eda080", "64f4908080", "62c341"])("faults malformed UTF-8: %s", (bytes) => {
    const reader = new CborReader(unhex(bytes));
    expect(reader.text(32)).toBe("");
    expect(reader.fault?.fault).toBe("text");
  });

  it("keeps the first fault and reads zeros after it", () => {
    const reader = new CborReader(unhex("01", "20", "05"));
    expect([reader.uint(9), reader.uint(9), reader.uint(9)]).toEqual([1, 0, 0]);
    expect(reader.fault).toEqual({ fault: "type", offset: 1 });
  });

  test.prop([fc.uint8Array({ maxLength: 20 })])("accepts a number in exactly one form", (bytes) => {
    const reader = new CborReader(bytes);
    const value = reader.uint(Number.MAX_SAFE_INTEGER);
    if (reader.fault !== undefined) return;
    expect(new CborWriter(16).uint(value).finish()).toEqual(bytes.subarray(0, reader.offset));
  });
});
