import { describe, expect, it } from "vitest";
import { fileSystemIn, SIGNATURE_SPAN, signatureIn } from "../../../src/flash/device/device-signature.ts";
import { unhex } from "../../image/support.ts";

const text = (letters: string): string => Buffer.from(letters, "latin1").toString("hex");

/** Places and bytes as libblkid has them (util-linux, libblkid/src/superblocks and partitions). */
const FILE_SYSTEMS: readonly (readonly [string, number, string])[] = [
  ["an ext2, ext3 or ext4 file system", 0x438, "53ef"],
  ["an XFS file system", 0, text("XFSB")],
  ["a btrfs file system", 0x10040, text("_BHRfS_M")],
  ["an F2FS file system", 0x400, "1020f5f2"],
  ["an EROFS file system", 0x400, "e2e1f5e0"],
  ["a SquashFS file system", 0, text("hsqs")],
  ["a cramfs file system", 0, "453dcd28"],
  ["a romfs file system", 0, text("-rom1fs-")],
  ["a FAT file system", 0x52, text("FAT32   ")],
  ["a FAT file system", 0x36, text("FAT12   ")],
  ["a FAT file system", 0x36, text("FAT16   ")],
  ["an exFAT file system", 3, text("EXFAT   ")],
  ["an NTFS file system", 3, text("NTFS    ")],
  ["an ISO 9660 file system", 0x8001, text("CD001")],
  ["a LUKS volume", 0, text("LUKS\xba\xbe")],
  ["swap space", 0xff6, text("SWAPSPACE2")],
  ["a RAID member", 0x1000, "fc4e2ba9"],
  ["a RAID member", 0, "fc4e2ba9"],
  ["an LVM volume", 0, text("LABELONE")],
  ["an LVM volume", 0x200, text("LABELONE")],
  ["an LVM volume", 0x400, text("LABELONE")],
  ["an LVM volume", 0x600, text("LABELONE")],
  ["a UBI volume", 0, text("UBI#")],
  ["a JFFS2 file system", 0, "8519"],
];
const OTHERS: readonly (readonly [string, number, string])[] = [
  ["a GPT partition table", 0x200, text("EFI PART")],
  ["a GPT partition table", 0x1000, text("EFI PART")],
  ["a U-Boot image", 0, "27051956"],
  ["a device tree or FIT image", 0, "d00dfeed"],
  ["a partition table or boot sector (MBR)", 0x1fe, "55aa"],
];
/** Bytes of a mark that differ from one kind of the same to another. */
const FREE = new Set([text("FAT12   "), text("FAT16   ")]);

/** Nothing that is known, with `bytes` at `at`. */
function headWith(at: number, bytes: Uint8Array): Uint8Array {
  const head = new Uint8Array(SIGNATURE_SPAN).fill(0xa5);
  head.set(bytes, at);
  return head;
}

describe("the content of a device", () => {
  it.each([...FILE_SYSTEMS, ...OTHERS])("is recognised: %s, by bytes at %i", (name, at, hex) => {
    const bytes = unhex(hex);
    expect(signatureIn(headWith(at, bytes))).toBe(name);
    const marks = FREE.has(hex) ? 4 : bytes.length;
    for (let i = 0; i < marks; i++) {
      const changed = bytes.with(i, (bytes[i] ?? 0) ^ 0x40);
      expect(signatureIn(headWith(at, changed)), `byte ${i} changed`).toBeUndefined();
    }
    for (const near of [at - 1, at + 1])
      if (near >= 0) expect(signatureIn(headWith(near, bytes)), `at ${near}`).toBeUndefined();
  });

  it.each(FILE_SYSTEMS)("counts as a file system: %s, at %i", (name, at, hex) => {
    expect(fileSystemIn(headWith(at, unhex(hex)))).toBe(name);
  });

  it.each(OTHERS)("does not count as a file system: %s, at %i", (_name, at, hex) => {
    expect(fileSystemIn(headWith(at, unhex(hex)))).toBeUndefined();
  });

  it("is named as a file system, not as the boot sector that it begins with", () => {
    const head = headWith(0x1fe, Uint8Array.of(0x55, 0xaa));
    head.set(Buffer.from("FAT32   "), 0x52);
    expect(signatureIn(head)).toBe("a FAT file system");
  });

  it("is not recognised when the signature is cut off, or without any bytes", () => {
    const head = headWith(0, unhex(text("XFSB")));
    expect(signatureIn(head.subarray(0, 3))).toBeUndefined();
    expect(signatureIn(head.subarray(0, 4))).toBe("an XFS file system");
    expect([signatureIn(new Uint8Array()), fileSystemIn(new Uint8Array())]).toEqual([undefined, undefined]);
  });

  it("is searched in enough bytes for every signature", () => {
    const last = Math.max(...FILE_SYSTEMS.map(([, at, hex]) => at + hex.length / 2));
    expect(SIGNATURE_SPAN).toBeGreaterThanOrEqual(last);
  });
});
