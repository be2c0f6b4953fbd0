import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/prng.ts";
import { type ErasedByte, flashMap } from "../../../src/flash/geometry.ts";
import { NorFlash } from "../../../src/flash/nor-flash.ts";
import { VerifiedBlock } from "../../../src/flash/verified-block.ts";
import {
  CutFlash,
  type CutKind,
  cutOperation,
  type PendingOperation,
  PowerCut,
  programmed,
} from "../../../src/sim/power-cuts/power-cut.ts";
import { TornStorage } from "../../../src/sim/power-cuts/torn-storage.ts";
import { flashCutAt } from "../../flash/support.ts";

/* What a cut leaves. Were it too tame, the power-cut laboratory would find no fault in any board. */
const map = flashMap({ sectorSize: 1024, slotSize: 2048, layout: "single", writeSize: 16 });
const inverted = { ...map, erasedByte: 0x00 as ErasedByte };
const AT = map.record[0].offset;
const SEEDS = 200;

/** A storage with `old` at {@link AT}, after `operation` was cut. */
function leftBy(
  cut: CutKind,
  seed: number,
  old: Uint8Array,
  tag: "erase" | "program",
  bytes: Uint8Array,
): TornStorage {
  const storage = new TornStorage(map, new SeededRandom(seed + 1000));
  storage.write(AT, old);
  const region = { offset: AT, size: bytes.length };
  const operation: PendingOperation = { index: 1, tag, region, bytes };
  cutOperation(storage, map, operation, cut, new SeededRandom(seed));
  return storage;
}

/** Bytes that each seed leaves, settled, of a program over erased flash or of an erase of programmed bytes. */
const old = Uint8Array.of(0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, ...Array<number>(8).fill(0xff));
const next = Uint8Array.of(0xff, 0x3c, 0xf5, 0x00, 0xa5, 0x81, 0xfe, 0xff, ...Array<number>(8).fill(0x77));
const done = programmed(map, old, next);
const programs = (cut: CutKind): TornStorage[] =>
  Array.from({ length: SEEDS }, (_, seed) => leftBy(cut, seed, old, "program", next));
const settled = (storage: TornStorage): Uint8Array => storage.readSettled(AT, 16);
/** Bits that may read at random, by byte. */
const tornBits = (storage: TornStorage): number[] => {
  const bits = new Array<number>(16).fill(0);
  for (let i = 0; i < 64; i++)
    for (const [at, byte] of storage.read(AT, 16).entries())
      bits[at] = (bits[at] ?? 0) | (byte ^ (settled(storage)[at] ?? 0));
  return bits;
};
const changing = old.map((byte, i) => byte ^ (done[i] ?? 0));
/** How many bytes from the start are as they were to become. */
const doneUpTo = (bytes: Uint8Array): number => {
  const at = bytes.findIndex((byte, i) => byte !== done[i]);
  return at < 0 ? 16 : at;
};

describe("programmed", () => {
  it("turns bits away from erased, never back", () => {
    expect(programmed(map, Uint8Array.of(0xff, 0xf0, 0x00), Uint8Array.of(0x5a, 0x3c, 0xff))).toEqual(
      Uint8Array.of(0x5a, 0x30, 0x00),
    );
    expect(programmed(inverted, Uint8Array.of(0x00, 0xf0, 0xff), Uint8Array.of(0x5a, 0x3c, 0x00))).toEqual(
      Uint8Array.of(0x5a, 0xfc, 0xff),
    );
  });

  it("leaves bytes alone for which nothing is given", () => {
    expect(programmed(map, Uint8Array.of(1, 2), Uint8Array.of(0))).toEqual(Uint8Array.of(0, 2));
    expect(programmed(inverted, Uint8Array.of(1, 2), Uint8Array.of(0xff))).toEqual(Uint8Array.of(0xff, 2));
  });
});

describe("an operation that is cut", () => {
  it("was not begun (before), or is done (after), and nothing is torn", () => {
    for (const storage of programs("before")) expect(settled(storage)).toEqual(old);
    for (const storage of programs("after")) expect(settled(storage)).toEqual(done);
    for (const cut of ["before", "after"] as const)
      expect(programs(cut).some((storage) => storage.isTorn({ offset: AT, size: 16 }))).toBe(false);
  });

  it("is done up to a byte (prefix), any from none to all", () => {
    const seen = new Set<number>();
    for (const storage of programs("prefix")) {
      const bytes = settled(storage);
      const count = doneUpTo(bytes);
      expect(bytes.slice(count)).toEqual(old.slice(count));
      expect(storage.isTorn({ offset: AT, size: 16 })).toBe(false);
      seen.add(count);
    }
    expect(Math.min(...seen)).toBe(1);
    expect(Math.max(...seen)).toBe(16);
    expect(seen.size).toBeGreaterThan(12);
  });

  it("is done in any of its bits (bits), and in no other", () => {
    const left = programs("bits");
    const [some, all] = [new Uint8Array(16), new Uint8Array(16).fill(0xff)];
    for (const storage of left) {
      for (const [i, byte] of settled(storage).entries()) {
        const changed = byte ^ (old[i] ?? 0);
        expect(changed & ~(changing[i] ?? 0)).toBe(0);
        some[i] = (some[i] ?? 0) | changed;
        all[i] = (all[i] ?? 0) & changed;
      }
      expect(storage.isTorn({ offset: AT, size: 16 })).toBe(false);
    }
    expect(some).toEqual(Uint8Array.from(changing));
    expect(all).toEqual(new Uint8Array(16));
  });

  it("leaves bits up to a byte reading at random (unstable), any of those that were to change", () => {
    const some = new Uint8Array(16);
    const ends = new Set<number>();
    for (const storage of programs("unstable")) {
      expect(settled(storage)).toEqual(old);
      const torn = tornBits(storage);
      for (const [i, bits] of torn.entries()) {
        expect(bits & ~(changing[i] ?? 0)).toBe(0);
        some[i] = (some[i] ?? 0) | bits;
      }
      ends.add(torn.findLastIndex((bits) => bits !== 0));
    }
    expect(some).toEqual(Uint8Array.from(changing));
    expect(ends.size).toBeGreaterThan(10);
  });

  it("leaves nothing done but the first bit of all reading at random (early)", () => {
    for (const storage of programs("early").slice(0, 5)) {
      expect(settled(storage)).toEqual(old);
      expect(tornBits(storage)).toEqual([0, 0x01, ...Array<number>(14).fill(0)]);
    }
  });

  it("leaves all done but a bit of the last byte reading at random (late)", () => {
    for (const storage of programs("late").slice(0, 5)) {
      expect(settled(storage)).toEqual(done);
      expect(tornBits(storage)).toEqual([...Array<number>(15).fill(0), 0x08]);
    }
  });

  it.each(["early", "late"] as const)("tears nothing where nothing was to change (%s)", (cut) => {
    const storage = leftBy(cut, 1, old, "program", old);
    expect(storage.isTorn({ offset: 0, size: map.size })).toBe(false);
  });

  it("tears the byte that changes first or last, were it the first of all", () => {
    const only = old.with(0, 0x7f);
    for (const cut of ["early", "late"] as const)
      expect(tornBits(leftBy(cut, 1, old, "program", only))[0]).toBe(0x80);
    const two = only.with(1, 0xef);
    expect(tornBits(leftBy("early", 1, old, "program", two)).slice(0, 2)).toEqual([0x80, 0]);
    expect(tornBits(leftBy("late", 1, old, "program", two)).slice(0, 2)).toEqual([0, 0x10]);
  });

  it("erases in the same ways, torn bits included", () => {
    const erased = new Uint8Array(16).fill(0xff);
    const was = new Uint8Array(16).fill(0x12);
    const left = (cut: CutKind): TornStorage[] =>
      Array.from({ length: SEEDS }, (_, seed) => leftBy(cut, seed, was, "erase", erased));
    for (const storage of left("after")) expect(settled(storage)).toEqual(erased);
    for (const storage of left("before")) expect(settled(storage)).toEqual(was);
    const counts = left("prefix").map((storage) => settled(storage).filter((byte) => byte === 0xff).length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([0, 16]);
    expect(left("bits").every((storage) => settled(storage).every((byte) => (byte & 0x12) === 0x12))).toBe(
      true,
    );
    expect(tornBits(left("late")[0] ?? expect.fail("none"))).toEqual([...Array<number>(15).fill(0), 0x01]);
  });

  it("clears torn bits by an erase that is done, and by nothing else", () => {
    const mended = (cut: CutKind, tag: "erase" | "program"): boolean => {
      const storage = new TornStorage(map, new SeededRandom(1));
      storage.tear(AT + 3, 0x01);
      const region = { offset: AT, size: 16 };
      const bytes = new Uint8Array(16).fill(0xff);
      cutOperation(storage, map, { index: 1, tag, region, bytes }, cut, new SeededRandom(1));
      return !storage.isTorn(region);
    };
    expect(mended("after", "erase")).toBe(true);
    expect(mended("after", "program")).toBe(false);
    expect(mended("before", "erase")).toBe(false);
    expect(mended("prefix", "erase")).toBe(false);
  });
});

describe("CutFlash", () => {
  const slot = map.slots[0] ?? expect.fail("a slot");
  const hash = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 1);
  const block = (bytes: Uint8Array): VerifiedBlock =>
    VerifiedBlock.check(bytes, hash(bytes), hash, map) ?? expect.fail("hash");

  function make(isLax = false): { storage: TornStorage; flash: CutFlash; shown: PendingOperation[] } {
    const storage = new TornStorage(map, new SeededRandom(1));
    const shown: PendingOperation[] = [];
    const flash = new CutFlash(
      new NorFlash(storage, map),
      storage,
      (operation) => shown.push(operation),
      () => isLax,
    );
    flash.arm(map.record[0], slot);
    return { storage, flash, shown };
  }

  it("shows each operation, and carries it out", () => {
    const { flash, shown } = make();
    flash.erase(AT / 1024);
    flash.program(AT, next);
    flash.programVerified(slot.offset, block(Uint8Array.of(1, 2, 3)));
    expect(flash.map).toEqual(map);
    expect(flash.operations).toBe(3);
    const padded = Uint8Array.of(1, 2, 3, ...Array<number>(13).fill(0xff));
    expect(shown).toEqual([
      { index: 1, tag: "erase", region: { offset: AT, size: 1024 }, bytes: new Uint8Array(1024).fill(0xff) },
      { index: 2, tag: "program", region: { offset: AT, size: 16 }, bytes: next },
      { index: 3, tag: "program", region: { offset: slot.offset, size: 16 }, bytes: padded },
    ]);
    expect(flash.read(AT, 16)).toEqual(next);
    expect(flash.read(slot.offset, 16)).toEqual(padded);
    flash.erase(slot.offset / 1024);
    expect(flash.read(slot.offset, 3)).toEqual(Uint8Array.of(0xff, 0xff, 0xff));
    flash.sync();
  });

  it("shows an operation before anything of it happens", () => {
    const storage = new TornStorage(map, new SeededRandom(1));
    const flash = flashCutAt(new NorFlash(storage, map), storage, new SeededRandom(1), 2, "before");
    flash.arm(map.record[0]);
    flash.erase(AT / 1024);
    expect(() => flash.program(AT, next)).toThrow(PowerCut);
    expect(() =>
      flashCutAt(new NorFlash(storage, map), storage, new SeededRandom(1), 1, "after").erase(1),
    ).toThrow(expect.objectContaining({ name: "PowerCut" }));
    expect(flash.read(AT, 16)).toEqual(new Uint8Array(16).fill(0xff));
  });

  it("clears torn bits by an erase", () => {
    const { storage, flash } = make();
    storage.tear(AT + 5, 0x40);
    flash.erase(AT / 1024);
    expect(storage.isTorn({ offset: AT, size: 1024 })).toBe(false);
  });

  it("takes programming over torn bits for a defect, and changes nothing", () => {
    const { storage, flash } = make();
    storage.tear(AT + 15, 0x01);
    storage.tear(slot.offset, 0x01);
    expect(() => flash.program(AT, next)).toThrow(`programs over torn bits at ${AT}`);
    expect(() => flash.programVerified(slot.offset, block(next))).toThrow(`torn bits at ${slot.offset}`);
    expect([storage.readSettled(AT, 1)[0], storage.readSettled(slot.offset, 1)[0]]).toEqual([0xff, 0xff]);
    flash.program(AT + 16, next);
    expect(flash.read(AT + 16, 16)).toEqual(next);
  });

  it("leaves torn bits torn where they may be programmed over", () => {
    const { storage, flash } = make(true);
    storage.write(AT, old);
    storage.tear(AT, 0x01);
    // Whatever the torn bit reads at that moment.
    for (let i = 0; i < 20; i++) flash.program(AT, next);
    flash.programVerified(slot.offset, block(next));
    expect(storage.readSettled(AT, 16)).toEqual(done);
    expect(storage.isTorn({ offset: AT, size: 1 })).toBe(true);
    expect(storage.readSettled(slot.offset, 16)).toEqual(next);
  });
});
