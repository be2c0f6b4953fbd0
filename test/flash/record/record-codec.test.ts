import crc32 from "crc/calculators/crc32";
import { describe, expect, it } from "vitest";
import { ENTRY_SIZE } from "../../../src/flash/geometry.ts";
import { decodeEntry, encodeEntry, entriesOf } from "../../../src/flash/record/record-codec.ts";

const slot = {
  slot: 1,
  digest: Uint8Array.from({ length: 32 }, (_, i) => i + 1),
  area: 2,
  isConfirmed: true,
  isReverted: false,
  attempts: 255,
  rank: 0xffff_ffff,
};
const event = { tag: "installed", slot, floor: 5 } as const;
const entry = encodeEntry({ tag: "event", event }, 9);
/** The entry directly before it. */
const before = { entry: { tag: "digest", rest: slot.digest.slice(12) }, sequence: 8 } as const;

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
    const decoded = decodeEntry(bytes, before);
    expect(decoded).toEqual({ entry: { tag: "event", event }, sequence: 9 });
    bytes.fill(0);
    expect(decoded).toMatchObject({ entry: { event: { slot: { digest: slot.digest } } } });
  });

  it.each([
    ["a kind that is not known", put(0, 0x77)],
    ["a slot that there is not", put(1, 0x22)],
    ["a flag that is not known", put(2, 0x09)],
    ["a manifest area that there is not", put(1, 0x31)],
    ["bytes that its kind does not have", put(0, 0x02)],
    ["a header that is none of ours", put(0, 0x01)],
  ])("is refused with %s, although its CRC is right", (_, change) => {
    expect(decodeEntry(resealed(change), before)).toBeUndefined();
  });

  it("names its image by two entries: the rest of the digest stands directly before it", () => {
    const entries = entriesOf(event);
    expect(entries).toEqual([before.entry, { tag: "event", event }]);
    expect(decodeEntry(encodeEntry(before.entry, 8))).toEqual(before);
    for (const other of [
      undefined,
      { ...before, sequence: 7 },
      { ...before, sequence: 9 },
      { entry: { tag: "seal" }, sequence: 8 } as const,
      { entry: { tag: "event", event }, sequence: 8 } as const,
    ])
      expect(decodeEntry(entry, other)).toBeUndefined();
    const [first, second] = [0xffff_ffff, 0];
    const wrapped = encodeEntry({ tag: "event", event }, second);
    expect(decodeEntry(wrapped, { ...before, sequence: first })).toMatchObject({ sequence: 0 });
    expect(entriesOf({ tag: "nonces", starts: 4 })).toHaveLength(1);
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
      expect(decodeEntry(bytes, before), `byte ${at}`).toBeUndefined();
      expect(decodeEntry(entry.subarray(0, at), before), `${at} bytes`).toBeUndefined();
    }
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE).fill(0xff))).toBeUndefined();
    expect(decodeEntry(new Uint8Array(ENTRY_SIZE))).toBeUndefined();
  });
});
