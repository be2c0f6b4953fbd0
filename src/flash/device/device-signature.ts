/** Bytes that identify a kind of content. */
interface Signature {
  readonly name: string;
  readonly offset: number;
  readonly magic: Uint8Array;
  /** Whether it holds people's data, so that no boot loader starts with it. */
  readonly isFileSystem: boolean;
}

/** Bytes from the start of a device within which all signatures lie. */
export const SIGNATURE_SPAN = 69_632;

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const fileSystem = (name: string, offset: number, magic: Uint8Array | string): Signature => {
  return { name, offset, magic: typeof magic === "string" ? latin1(magic) : magic, isFileSystem: true };
};
const other = (name: string, offset: number, magic: Uint8Array | string): Signature => {
  return { ...fileSystem(name, offset, magic), isFileSystem: false };
};

/**
 * The content that is recognised, by the signatures of blkid and file(1). Content without a signature is not seen.
 * The signature of the MBR comes last, because boot sectors of file systems have it too.
 */
const SIGNATURES: readonly Signature[] = [
  fileSystem("an ext2, ext3 or ext4 file system", 1080, Uint8Array.of(0x53, 0xef)),
  fileSystem("an XFS file system", 0, "XFSB"),
  fileSystem("a btrfs file system", 65_600, "_BHRfS_M"),
  fileSystem("an F2FS file system", 1024, Uint8Array.of(0x10, 0x20, 0xf5, 0xf2)),
  fileSystem("an EROFS file system", 1024, Uint8Array.of(0xe2, 0xe1, 0xf5, 0xe0)),
  fileSystem("a SquashFS file system", 0, "hsqs"),
  fileSystem("a cramfs file system", 0, Uint8Array.of(0x45, 0x3d, 0xcd, 0x28)),
  fileSystem("a romfs file system", 0, "-rom1fs-"),
  fileSystem("a FAT file system", 82, "FAT32   "),
  fileSystem("a FAT file system", 54, "FAT1"),
  fileSystem("an exFAT file system", 3, "EXFAT   "),
  fileSystem("an NTFS file system", 3, "NTFS    "),
  fileSystem("an ISO 9660 file system", 32_769, "CD001"),
  fileSystem("a LUKS volume", 0, Uint8Array.of(...latin1("LUKS"), 0xba, 0xbe)),
  fileSystem("swap space", 4086, "SWAPSPACE2"),
  fileSystem("a RAID member", 4096, Uint8Array.of(0xfc, 0x4e, 0x2b, 0xa9)),
  fileSystem("a RAID member", 0, Uint8Array.of(0xfc, 0x4e, 0x2b, 0xa9)),
  ...[0, 512, 1024, 1536].map((offset) => fileSystem("an LVM volume", offset, "LABELONE")),
  fileSystem("a UBI volume", 0, "UBI#"),
  fileSystem("a JFFS2 file system", 0, Uint8Array.of(0x85, 0x19)),
  other("a GPT partition table", 512, "EFI PART"),
  other("a GPT partition table", 4096, "EFI PART"),
  other("a U-Boot image", 0, Uint8Array.of(0x27, 0x05, 0x19, 0x56)),
  other("a device tree or FIT image", 0, Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)),
  other("a partition table or boot sector (MBR)", 510, Uint8Array.of(0x55, 0xaa)),
];

/** Name of the content that starts with these bytes, of a device or a range of it; undefined when it is not known. */
export function signatureIn(head: Uint8Array): string | undefined {
  return SIGNATURES.find((signature) => isIn(head, signature))?.name;
}

/** Like {@link signatureIn}, for file systems and volumes only. */
export function fileSystemIn(head: Uint8Array): string | undefined {
  return SIGNATURES.find((signature) => signature.isFileSystem && isIn(head, signature))?.name;
}

function isIn(head: Uint8Array, { offset, magic }: Signature): boolean {
  return magic.every((byte, i) => head[offset + i] === byte);
}
