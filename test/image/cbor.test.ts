import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
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
  ])("faults %s: %s", (_name, octets, fault) => {
    const reader = new CborReader(unhex(octets));
    expect(reader.uint(1000)).toBe(0);
    expect(reader.fault?.fault).toBe(fault);
  });

  it.each([
    ["a length beyond the end", "5bffffffffffffffff", "range"],
    ["a length beyond the end", "5a7fffffff", "range"],
    ["a length beyond the end", "43aabb", "truncated"],
    ["an indefinite string", "5f42aabbff", "not-canonical"],
  ])("faults %s without allocating it: %s", (_name, octets, fault) => {
    const reader = new CborReader(unhex(octets));
    expect(reader.bytes(0, 64)).toHaveLength(0);
    expect(reader.fault?.fault).toBe(fault);
  });

  it.each(["61ff", "62c080", "63eda080", "64f4908080", "62c341"])("faults malformed UTF-8: %s", (octets) => {
    const reader = new CborReader(unhex(octets));
    expect(reader.text(32)).toBe("");
    expect(reader.fault?.fault).toBe("text");
  });

  it("keeps the first fault and reads zeros after it", () => {
    const reader = new CborReader(unhex("01", "20", "05"));
    expect([reader.uint(9), reader.uint(9), reader.uint(9)]).toEqual([1, 0, 0]);
    expect(reader.fault).toEqual({ fault: "type", offset: 1 });
  });

  test.prop([fc.uint8Array({ maxLength: 20 })])("accepts a number in exactly one form", (octets) => {
    const reader = new CborReader(octets);
    const value = reader.uint(Number.MAX_SAFE_INTEGER);
    if (reader.fault !== undefined) return;
    expect(new CborWriter(16).uint(value).finish()).toEqual(octets.subarray(0, reader.offset));
  });
});
