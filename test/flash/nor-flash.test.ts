import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/base/bytes.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { type FlashOperation, FlashRuleError, NorFlash } from "../../src/flash/nor-flash.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import { VerifiedBlock } from "../../src/flash/verified-block.ts";

const map = flashMap({ sectorSize: 1024, slotSize: 3000, layout: "ab" });
const record = map.record[0];
const [slotA, slotB] = map.slots;
if (slotA === undefined || slotB === undefined) throw new Error("two slots");

const hash = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.of(bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0));
const verified = (bytes: Uint8Array): VerifiedBlock => {
  const block = VerifiedBlock.check(bytes, hash(bytes), hash, map);
  if (block === undefined) throw new Error("hash");
  return block;
};

function make(): { storage: MemoryStorage; flash: NorFlash; operations: FlashOperation[] } {
  const storage = new MemoryStorage(map.size);
  const operations: FlashOperation[] = [];
  return {
    storage,
    flash: new NorFlash(storage, map, (operation) => operations.push(operation)),
    operations,
  };
}

function refusal(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof FlashRuleError) return error.rule;
    throw error;
  }
  return "allowed";
}

describe("NorFlash", () => {
  it("programs bits from 1 to 0 and erases sectors to 0xFF", () => {
    const { flash } = make();
    flash.arm(record);
    flash.program(record.offset, new Uint8Array(16).fill(0xf0));
    flash.program(record.offset, new Uint8Array(16).fill(0x30));
    expect(flash.read(record.offset, 17)).toEqual(Uint8Array.of(...Array(16).fill(0x30), 0xff));
    flash.erase(record.offset / 1024);
    expect(flash.read(record.offset, 1024).every((byte) => byte === 0xff)).toBe(true);
  });

  it("counts operations and the wear of sectors", () => {
    const { flash } = make();
    flash.arm(record);
    flash.erase(record.offset / 1024);
    flash.erase(record.offset / 1024);
    flash.program(record.offset, new Uint8Array(32));
    flash.read(0, 5);
    expect(flash.counters).toEqual({
      reads: 1,
      bytesRead: 5,
      erases: 2,
      erasesMax: 2,
      programs: 1,
      bytesProgrammed: 32,
    });
    expect(flash.wear(record.offset / 1024)).toBe(2);
  });

  it("shows each operation before it happens", () => {
    const storage = new MemoryStorage(map.size);
    const seen: number[] = [];
    const flash = new NorFlash(storage, map, () => seen.push(storage.read(record.offset, 1)[0] ?? -1));
    flash.arm(record);
    flash.program(record.offset, new Uint8Array(16));
    flash.erase(record.offset / 1024);
    expect(seen).toEqual([0xff, 0x00]);
  });

  it("takes flash that erases to zeros, and other write units", () => {
    const unit = {
      sectorSize: 1024,
      slotSize: 3000,
      layout: "single",
      writeSize: 4,
      erasedByte: 0x00,
    } as const;
    const other = flashMap(unit);
    const storage = new MemoryStorage(other.size, 0x00);
    const flash = new NorFlash(storage, other);
    flash.arm(other.record[0]);
    const at = other.record[0].offset;
    flash.program(at + 4, Uint8Array.of(1, 2, 3, 4));
    flash.program(at + 4, Uint8Array.of(3, 2, 3, 4));
    expect(refusal(() => flash.program(at + 4, Uint8Array.of(1, 2, 3, 4)))).toBe("needs-erase");
    expect(refusal(() => flash.program(at + 2, Uint8Array.of(1, 2, 3, 4)))).toBe("alignment");
    flash.erase(at / 1024);
    expect(flash.read(at, 1024)).toEqual(new Uint8Array(1024));
    const block = VerifiedBlock.check(Uint8Array.of(7), hash(Uint8Array.of(7)), hash, other);
    expect(block?.padded).toEqual(Uint8Array.of(7, 0, 0, 0));
  });

  it("tells its hook what it is about to do", () => {
    const { flash, operations } = make();
    flash.arm(record, slotA);
    flash.erase(record.offset / 1024);
    flash.program(record.offset, new Uint8Array(16));
    const block = verified(Uint8Array.of(1));
    flash.programVerified(slotA.offset, block);
    expect(operations).toEqual([
      { tag: "erase", sector: record.offset / 1024 },
      { tag: "program", offset: record.offset, bytes: new Uint8Array(16) },
      { tag: "program", offset: slotA.offset, bytes: block.padded },
    ]);
  });

  it.each([
    [0.5, 1],
    [0, 0.5],
    [4, -1],
    [Number.NaN, 1],
    [0, map.size + 1],
  ])("refuses to access %d, %d bytes", (offset, length) => {
    expect(refusal(() => make().flash.read(offset, length))).toBe("range");
  });

  it("reads zero bytes, also at its very end", () => {
    const { flash } = make();
    expect(flash.read(0, 0)).toHaveLength(0);
    expect(flash.read(map.size, 0)).toHaveLength(0);
  });

  it("programs a verified block of odd length and leaves what follows erased", () => {
    const { flash } = make();
    flash.arm(slotA);
    flash.programVerified(slotA.offset, verified(Uint8Array.of(1, 2, 3)));
    expect(flash.read(slotA.offset, 5)).toEqual(Uint8Array.of(1, 2, 3, 0xff, 0xff));
  });

  it("programs no block that changed since it was verified", () => {
    const { flash, operations } = make();
    flash.arm(slotA);
    const block = verified(Uint8Array.of(1, 2, 3));
    block.padded[1] = 0;
    expect(refusal(() => flash.programVerified(slotA.offset, block))).toBe("unverified");
    expect(operations).toEqual([]);
  });

  it("keeps its own copy of a verified block", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const block = verified(bytes);
    bytes[0] = 9;
    expect(block.padded[0]).toBe(1);
    const expected = hash(bytes);
    const other = VerifiedBlock.check(bytes, expected, hash, map);
    expected[0] = 0;
    expect([block.isIntact, other?.isIntact]).toEqual([true, true]);
    expect(VerifiedBlock.check(bytes, hash(Uint8Array.of(1, 2, 3)), hash, map)).toBeUndefined();
  });

  const rules: [string, (flash: NorFlash) => void][] = [
    [
      "needs-erase",
      (flash) => {
        flash.program(record.offset, new Uint8Array(16));
        flash.program(record.offset, new Uint8Array(16).fill(1));
      },
    ],
    ["alignment", (flash) => flash.program(record.offset, new Uint8Array(15))],
    ["alignment", (flash) => flash.program(record.offset + 8, new Uint8Array(16))],
    ["range", (flash) => flash.program(map.size, new Uint8Array(16))],
    ["range", (flash) => flash.program(-16, new Uint8Array(16))],
    ["range", (flash) => flash.erase(map.size / 1024)],
    ["range", (flash) => flash.erase(-1)],
    ["range", (flash) => flash.erase(0.5)],
    ["range", (flash) => flash.read(map.size - 1, 2)],
    ["recovery", (flash) => flash.erase(0)],
    ["recovery", (flash) => flash.erase(15)],
    ["recovery", (flash) => flash.program(16_384 - 16, new Uint8Array(16))],
    ["recovery", (flash) => flash.program(16_384 - 16, new Uint8Array(32))],
    ["recovery", (flash) => flash.arm(map.recovery)],
    ["recovery", (flash) => flash.arm({ offset: 0, size: map.size })],
    ["disarmed", (flash) => flash.erase(map.record[1].offset / 1024)],
    ["disarmed", (flash) => flash.program(map.record[1].offset, new Uint8Array(16))],
    ["disarmed", (flash) => flash.program(record.offset + 1008, new Uint8Array(32))],
    ["disarmed", (flash) => flash.erase(slotB.offset / 1024)],
    ["disarmed", (flash) => flash.programVerified(slotB.offset, verified(Uint8Array.of(1)))],
    ["unverified", (flash) => flash.program(slotA.offset, new Uint8Array(16))],
    ["not-a-slot", (flash) => flash.programVerified(record.offset, verified(Uint8Array.of(1)))],
    [
      "not-a-slot",
      (flash) => flash.programVerified(slotA.offset + slotA.size - 16, verified(new Uint8Array(17))),
    ],
  ];
  it.each(rules)("refuses by rule %s, changing nothing (%#)", (rule, act) => {
    const { flash, storage, operations } = make();
    flash.arm(record, slotA);
    let before = storage.read(0, map.size);
    expect(
      refusal(() => {
        try {
          act(flash);
        } finally {
          if (rule === "needs-erase") before = before.fill(0, record.offset, record.offset + 16);
        }
      }),
    ).toBe(rule);
    expect(equalBytes(storage.read(0, map.size), before)).toBe(true);
    expect(operations.length).toBe(rule === "needs-erase" ? 1 : 0);
  });

  it("allows nothing before it was armed", () => {
    const { flash } = make();
    expect(refusal(() => flash.erase(record.offset / 1024))).toBe("disarmed");
  });

  it("refuses a storage of another size", () => {
    expect(refusal(() => new NorFlash(new MemoryStorage(1024), map))).toBe("range");
  });
});
