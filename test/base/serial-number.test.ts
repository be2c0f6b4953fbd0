import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { isAfter, isAfter32 } from "../../src/base/serial-number.ts";

const serial = fc.integer({ min: 0, max: 0xffff });

describe("a serial number of 16 bits", () => {
  it("comes after the one before it, also across the wrap", () => {
    expect(isAfter(1, 0)).toBe(true);
    expect(isAfter(0, 0xffff)).toBe(true);
    expect(isAfter(0xffff, 0)).toBe(false);
    expect(isAfter(7, 7)).toBe(false);
  });

  it("comes after another one by up to half the circle, and not beyond", () => {
    expect(isAfter(0x7fff, 0)).toBe(true);
    expect(isAfter(0x8000, 0)).toBe(false);
    expect(isAfter(0, 0x8000)).toBe(false);
    expect(isAfter(0x8001, 0)).toBe(false);
  });

  property.prop([serial, serial])("is never both after and before another one", (a, b) => {
    expect(isAfter(a, b) && isAfter(b, a)).toBe(false);
    const isOrdered = a !== b && ((a - b) & 0xffff) !== 0x8000;
    expect(isAfter(a, b) || isAfter(b, a)).toBe(isOrdered);
  });
});

const wide = fc.integer({ min: 0, max: 0xffff_ffff });

describe("a serial number of 32 bits", () => {
  it("comes after another one by up to half the circle, also across the wrap", () => {
    expect([isAfter32(1, 0), isAfter32(0, 0xffff_ffff), isAfter32(0x7fff_ffff, 0)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([isAfter32(7, 7), isAfter32(0xffff_ffff, 0), isAfter32(0x8000_0000, 0)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([isAfter32(0, 0x8000_0000), isAfter32(0x8000_0001, 0)]).toEqual([false, false]);
  });

  property.prop([wide, wide])("is never both after and before another one", (a, b) => {
    expect(isAfter32(a, b) && isAfter32(b, a)).toBe(false);
    expect(isAfter32(a, b) || isAfter32(b, a)).toBe(a !== b && Math.abs(a - b) !== 0x8000_0000);
  });
});
