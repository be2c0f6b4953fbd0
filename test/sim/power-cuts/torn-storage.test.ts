import { describe, expect, it } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { type Random, SeededRandom } from "../../../src/base/prng.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import { TornStorage } from "../../../src/sim/power-cuts/torn-storage.ts";

const map = flashMap({ sectorSize: 1024, slotSize: 1024, layout: "single" });

/** Gives these numbers over and over. */
function chanceOf(...numbers: readonly number[]): Random {
  let next = 0;
  return { u32: () => numbers[next++ % numbers.length] ?? 0 };
}

describe("TornStorage", () => {
  it("is erased at first, to the value of that flash", () => {
    const ones = new TornStorage(map, chanceOf(0));
    expect(ones.size).toBe(map.size);
    expect(ones.read(0, map.size).every((byte) => byte === 0xff)).toBe(true);
    const zeros = new TornStorage({ ...map, erasedByte: 0x00 }, chanceOf(0));
    expect(zeros.read(0, map.size).every((byte) => byte === 0)).toBe(true);
  });

  it("reads what was written, across sectors, and nothing else changes", () => {
    const storage = new TornStorage(map, chanceOf(0));
    const bytes = Uint8Array.from({ length: 2100 }, (_, i) => i % 251);
    storage.write(1000, bytes);
    expect(storage.read(1000, 2100)).toEqual(bytes);
    expect([storage.read(999, 1)[0], storage.read(3100, 1)[0]]).toEqual([0xff, 0xff]);
    storage.erase(2048, 1024, 0xff);
    expect(storage.read(2047, 3)).toEqual(Uint8Array.of(bytes[1047] ?? 0, 0xff, 0xff));
    expect(storage.read(3072, 1)[0]).toBe(bytes[2072]);
  });

  it("reads copies", () => {
    const storage = new TornStorage(map, chanceOf(0));
    storage.read(0, 16).fill(0);
    storage.readSettled(0, 16).fill(0);
    expect(storage.read(0, 16)).toEqual(new Uint8Array(16).fill(0xff));
  });

  it.each([
    [-1, 1],
    [0, -1],
    [map.size, 1],
    [0, map.size + 1],
  ])("refuses to access %d, %d bytes", (offset, length) => {
    const storage = new TornStorage(map, chanceOf(0));
    expect(() => storage.read(offset, length)).toThrow(AssertionError);
    if (length >= 0)
      expect(() => storage.write(offset, new Uint8Array(Math.max(0, length)))).toThrow(AssertionError);
  });

  it("reads and writes zero bytes, also at its very end", () => {
    const storage = new TornStorage(map, chanceOf(0));
    expect(storage.read(map.size, 0)).toHaveLength(0);
    storage.write(map.size, new Uint8Array(0));
    storage.write(map.size - 1, Uint8Array.of(7));
    expect(storage.read(map.size - 1, 1)[0]).toBe(7);
  });

  it("flips torn bits, and only those, at random at each read", () => {
    const storage = new TornStorage(map, chanceOf(0xffff_ffff, 0, 0x01));
    storage.write(100, Uint8Array.of(0xf0, 0xf0));
    storage.tear(100, 0x11);
    const read = (): number[] => [...storage.read(99, 4)];
    expect([read(), read(), read()]).toEqual([
      [0xff, 0xe1, 0xf0, 0xff],
      [0xff, 0xf0, 0xf0, 0xff],
      [0xff, 0xf1, 0xf0, 0xff],
    ]);
    expect(storage.readSettled(100, 1)[0]).toBe(0xf0);
  });

  it("draws random numbers only for torn bits within what is read", () => {
    let asked = 0;
    const storage = new TornStorage(map, { u32: () => ++asked });
    storage.tear(100, 0xff);
    storage.read(0, 100);
    storage.read(101, 50);
    expect(asked).toBe(0);
    storage.read(100, 1);
    expect(asked).toBe(1);
  });

  it("knows where bits are torn, until that is mended; erasing alone does not", () => {
    const storage = new TornStorage(map, chanceOf(0));
    expect(storage.isTorn({ offset: 0, size: map.size })).toBe(false);
    storage.tear(100, 0);
    expect(storage.isTorn({ offset: 0, size: map.size })).toBe(false);
    storage.tear(100, 1);
    storage.tear(1024, 1);
    const torn = (offset: number, size: number): boolean => storage.isTorn({ offset, size });
    expect([torn(0, 100), torn(100, 1), torn(101, 900), torn(99, 2)]).toEqual([false, true, false, true]);
    storage.erase(0, 1024, 0xff);
    expect(torn(0, 1024)).toBe(true);
    storage.mend({ offset: 0, size: 1024 });
    expect([torn(0, 1024), torn(1024, 1024)]).toEqual([false, true]);
  });

  it("is independent of its original once forked, torn bits included, whichever side writes", () => {
    const one = new TornStorage(map, chanceOf(0xff));
    one.write(0, Uint8Array.of(1, 2, 3));
    one.tear(2000, 0x0f);
    const other = one.fork(chanceOf(0));
    one.write(0, Uint8Array.of(9));
    other.write(1, Uint8Array.of(8));
    expect([...one.read(0, 3)]).toEqual([9, 2, 3]);
    expect([...other.read(0, 3)]).toEqual([1, 8, 3]);
    expect([one.read(2000, 1)[0], other.read(2000, 1)[0]]).toEqual([0xf0, 0xff]);
    other.mend({ offset: 2000, size: 1 });
    expect([one.isTorn({ offset: 2000, size: 1 }), other.isTorn({ offset: 2000, size: 1 })]).toEqual([
      true,
      false,
    ]);
    const third = one.fork(chanceOf(0));
    third.write(0, Uint8Array.of(5));
    third.write(1, Uint8Array.of(6));
    one.write(2, Uint8Array.of(7));
    expect([...one.read(0, 3)]).toEqual([9, 2, 7]);
    expect([...third.read(0, 3)]).toEqual([5, 6, 3]);
  });

  it("reads torn bits differently once it has another seed", () => {
    const read = (storage: TornStorage): number[] =>
      Array.from({ length: 20 }, () => storage.read(5, 1)[0] ?? 0);
    const make = (): TornStorage => {
      const storage = new TornStorage(map, new SeededRandom(1));
      storage.tear(5, 0xff);
      return storage;
    };
    const [plain, again, reseeded] = [make(), make(), make()];
    reseeded.reseed(new SeededRandom(2));
    const bytes = read(plain);
    expect(read(again)).toEqual(bytes);
    expect(read(reseeded)).not.toEqual(bytes);
  });

  it("has nothing to sync or to close", () => {
    const storage = new TornStorage(map, chanceOf(0));
    storage.sync();
    storage.close();
    storage.close();
    expect(storage.read(0, 1)[0]).toBe(0xff);
  });
});
