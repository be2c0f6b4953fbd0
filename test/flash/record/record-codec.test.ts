import crc32 from "crc/calculators/crc32";
import { describe, expect, it } from "vitest";
import { ENTRY_SIZE } from "../../../src/flash/geometry.ts";
import { decodeEntry, encodeEntry } from "../../../src/flash/record/record-codec.ts";

const slot = {
  slot: 1,
  digest8: new Uint8Array(8).fill(7),
  area: 2,
  isConfirmed: true,
  isReverted: false,
  attempts: 255,
  rank: 0xffff_ffff,
};
const entry = encodeEntry({ tag: "event", event: { tag: "installed", slot, floor: 5 } }, 9);

/** The entry with bytes changed, and its CRC made right again. */
function resealed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(entry);
  change(bytes);
  const crc = crc32(bytes.subarray(0, ENTRY_SIZE - 4)) >>> 0;
  new DataView(bytes.buffer).setUint32(ENTRY_SIZE - 4, crc, true);
  return bytes;
}

const put = (at: number, byte: number) => (bytes: Uint8Array) => bytes.fill(byte, at, at + 1);

describe("an entry of the boot record", () => {
  it("decodes to what was encoded, with a copy of its bytes", () => {
    const bytes = resealed(() => {});
    const decoded = decodeEntry(bytes);
    expect(decoded).toEqual({
      entry: { tag: "event", event: { tag: "installed", slot, floor: 5 } },
      sequence: 9,
    });
    bytes.fill(0);
    expect(decoded).toMatchObject({ entry: { event: { slot: { digest8: slot.digest8 } } } });
  });

  it.each([
    ["a kind that is not known", put(0, 0x77)],
    ["a slot that there is not", put(1, 2)],
    ["a flag that is not known", put(2, 0x04)],
    ["a manifest area that there is not", put(24, 3)],
    ["a byte that is kept free", put(25, 1)],
    ["bytes that its kind does not have", put(0, 0x02)],
    ["a header that is none of ours", put(0, 0x01)],
  ])("is refused with %s, although its CRC is right", (_, change) => {
    expect(decodeEntry(resealed(change))).toBeUndefined();
  });

  it("does not take a range of sectors from a higher to a lower one", () => {
    const sectors = (open: { first: number; last: number }): unknown =>
      decodeEntry(encodeEntry({ tag: "event", event: { tag: "sectors", open, close: undefined } }, 1));
    expect(sectors({ first: 4, last: 4 })).toMatchObject({
      entry: { event: { open: { first: 4, last: 4 } } },
    });
    expect(sectors({ first: 5, last: 4 })).toBeUndefined();
  });

  it("is refused with any byte changed, cut off or blank", () => {
    for (let at = 0; at < ENTRY_SIZE; at++) {
      const bytes = Uint8Array.from(entry);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      expect(decodeEntry(bytes), `byte ${at}`).toBeUndefined();
      expect(decodeEntry(entry.subarray(0, at)), `${at} bytes`).toBeUndefined();
    }
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE).fill(0xff))).toBeUndefined();
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE))).toBeUndefined();
  });
});
