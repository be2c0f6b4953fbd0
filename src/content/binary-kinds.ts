import { fromHex } from "../base/bytes.ts";
import { archiveKind, UNPACK } from "./archive-kinds.ts";
import { type Content, type ContentKind, foreign } from "./content-kind.ts";
import { latin1 } from "./text-encoding.ts";

const LINKED = "give the file that it leads to";
const LINK_FIRST = "link it, then: objcopy -O binary PROGRAM.elf OUT";

/** Formats by their first bytes, in hexadecimal; "." stands for any digit. The longest a pattern has is 16 bytes. */
const MAGICS: readonly (readonly [string, ContentKind])[] = [
  ["4d41594441590d0a", { group: "image", id: "mayday-image", name: "an image file (.mdy)" }],
  [
    "4d41594441590a",
    foreign(
      "mayday-image-text",
      "an image file (.mdy) that a copy in text mode damaged",
      "copy it again, in binary mode",
    ),
  ],
  ["7f454c46", { group: "format", id: "elf", name: "an ELF file" }],
  ["5546320a57515d9e", { group: "format", id: "uf2", name: "a UF2 file" }],
  ["213c617263683e0a64656269616e2d62", foreign("deb", "a Debian package", "dpkg-deb -x IN FOLDER")],
  ["213c617263683e0a", foreign("archive", "an archive of object files (ar)", LINK_FIRST)],
  ["213c7468696e3e0a", foreign("archive", "an archive of object files (ar)", LINK_FIRST)],
  ["4243c0de", foreign("llvm-bitcode", "LLVM bitcode", LINK_FIRST)],
  ["dec0170b", foreign("llvm-bitcode", "LLVM bitcode", LINK_FIRST)],
  ["0061736d01000000", foreign("wasm", "a WebAssembly module")],
  ["1f8b08", foreign("gzip", "a gzip file", "gzip -dc IN > OUT")],
  ["1f9d9", foreign("compress", "a file of compress (.Z)", "gzip -dc IN > OUT")],
  ["fd377a585a00", foreign("xz", "an xz file", "xz -dc IN > OUT")],
  ["425a683.314159265359", foreign("bzip2", "a bzip2 file", "bzip2 -dc IN > OUT")],
  ["425a683.177245385090", foreign("bzip2", "a bzip2 file", "bzip2 -dc IN > OUT")],
  ["28b52ffd", foreign("zstd", "a zstd file", "zstd -dc IN > OUT")],
  ["04224d18", foreign("lz4", "an lz4 file", "lz4 -dc IN > OUT")],
  ["02214c18", foreign("lz4", "an lz4 file", "lz4 -dc IN > OUT")],
  ["4c5a495001", foreign("lzip", "an lzip file", "lzip -dc IN > OUT")],
  ["894c5a4f000d0a1a0a", foreign("lzop", "an lzop file", "lzop -dc IN > OUT")],
  ["5.2a4d18", foreign("zstd", "a zstd or lz4 file, behind a frame to be skipped", "zstd -dc IN > OUT")],
  ["4c525a49", foreign("lrzip", "an lrzip file", "lrzip -d -o OUT IN")],
  ["504b0304", foreign("zip", "a zip file", UNPACK)],
  ["504b0506", foreign("zip", "an empty zip file")],
  ["504b0708", foreign("zip", "a zip file of several parts", UNPACK)],
  ["377abcaf271c", foreign("7z", "a 7z file", UNPACK)],
  ["526172211a07", foreign("rar", "a rar file", UNPACK)],
  ["4d534346", foreign("cab", "a cabinet file", UNPACK)],
  ["78617221", foreign("xar", "a xar archive", UNPACK)],
  ["43723234", foreign("crx", "an extension of a browser")],
  ["edabeedb", foreign("rpm", "an rpm package", UNPACK)],
  ["4466755365", foreign("dfuse", "a DfuSe file", "dfuse-pack.py -d IN")],
  ["514649fb", foreign("qcow", "a disk image of QEMU (qcow)", "qemu-img convert -O raw IN OUT")],
  ["4b444d56", foreign("vmdk", "a disk image of VMware", "qemu-img convert -O raw IN OUT")],
  ["3aff26ed", foreign("android-sparse", "an Android sparse image", "simg2img IN OUT")],
  ["42534449464634", foreign("bsdiff", "a patch of bsdiff", "bspatch OLD OUT IN")],
  ["4253444632", foreign("bsdiff", "a patch of bsdiff", "bspatch OLD OUT IN")],
  ["d6c3c4", foreign("vcdiff", "a patch of xdelta", "xdelta3 -d -s OLD IN OUT")],
  ["504154434800", foreign("ips", "an IPS patch", "apply it to the firmware that it is for")],
  ["42505331", foreign("bps", "a BPS patch", "apply it to the firmware that it is for")],
  ["48444946463133", foreign("hdiff", "a patch of HDiffPatch", "hpatchz OLD IN OUT")],
  ["52494646........57", foreign("riff", "a RIFF file, a sound or a picture")],
  ["255044462d", foreign("pdf", "a PDF document")],
  ["89504e470d0a1a0a", foreign("png", "a PNG picture")],
  ["ffd8ffe", foreign("jpeg", "a JPEG picture")],
  ["ffd8ffd", foreign("jpeg", "a JPEG picture")],
  ["474946383", foreign("gif", "a GIF picture")],
  ["53514c69746520666f726d61742033", foreign("sqlite", "an SQLite data base")],
  ["d0cf11e0a1b11ae1", foreign("ole", "a Microsoft Office document")],
  ["62706c6973743030", foreign("plist", "a property list of macOS")],
  [
    "00051607000200",
    foreign(
      "apple-double",
      "what macOS keeps beside a file (._NAME)",
      "give the file without ._ in its name",
    ),
  ],
  ["0000000142756431", foreign("ds-store", "a .DS_Store file of macOS")],
  ["4c0000000114020000000000c0000000", foreign("shortcut", "a shortcut of Windows (.lnk)", LINKED)],
  ["213c73796d6c696e6b3e", foreign("symlink", "a link of Cygwin", LINKED)],
  ["6465780a3", foreign("dex", "an Android program (dex)")],
  [
    "485454502f312e",
    foreign("http", "the answer of a web server, headers included", "get the firmware again"),
  ],
];

const PATTERN_BYTES = 16;

/** Which format a binary file has; undefined for raw firmware. */
export function binaryKind(content: Content): ContentKind | undefined {
  const { head } = content;
  const start = Array.from(head.subarray(0, PATTERN_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  const found = MAGICS.find(([pattern]) => matches(start, pattern));
  return (
    found?.[1] ??
    machoKind(head) ??
    peKind(head) ??
    coffKind(content) ??
    archiveKind(head) ??
    dfuKind(content)
  );
}

function matches(digits: string, pattern: string): boolean {
  if (digits.length < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) if (pattern[i] !== "." && pattern[i] !== digits[i]) return false;
  return true;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const MACHO = foreign("macho", "a Mach-O file", "llvm-objcopy -O binary IN OUT");

/** Mach-O of both byte orders, 32 and 64 bits, and the fat form, which begins as Java classes do. */
function machoKind(head: Uint8Array): ContentKind | undefined {
  if (head.length < 28) return undefined;
  const magic = view(head).getUint32(0);
  if (magic === 0xcafebabe || magic === 0xcafebabf) {
    return view(head).getUint32(4) < 0x20 ? MACHO : foreign("java-class", "a Java class");
  }
  const isLittle = magic === 0xcefaedfe || magic === 0xcffaedfe;
  if (!isLittle && magic !== 0xfeedface && magic !== 0xfeedfacf) return undefined;
  const fileType = view(head).getUint32(12, isLittle);
  return fileType >= 1 && fileType <= 12 ? MACHO : undefined;
}

/** "ARM\x64" at 56: a Linux kernel for arm64, which is raw although it also is a PE file. "HdrS" at 514: one for x86. */
function isLinuxKernel(head: Uint8Array): boolean {
  return latin1(head.subarray(56, 60)) === "ARM\x64" || latin1(head.subarray(514, 518)) === "HdrS";
}

function peKind(head: Uint8Array): ContentKind | undefined {
  if (head[0] !== 0x4d || head[1] !== 0x5a || head.length < 64 || isLinuxKernel(head)) return undefined;
  const at = view(head).getUint32(0x3c, true);
  if (at < 4 || at + 4 > head.length || latin1(head.subarray(at, at + 4)) !== "PE\0\0") return undefined;
  return foreign("pe", "a PE file, a program for Windows or UEFI", "objcopy -O binary IN OUT");
}

/** Machines of COFF object files: i386, x86-64, ARM, Thumb-2, ARM64, MIPS, PowerPC, RISC-V 32 and 64, SH-4. */
const COFF_MACHINES = [0x14c, 0x8664, 0x1c0, 0x1c2, 0x1c4, 0xaa64, 0x166, 0x1f0, 0x5032, 0x5064, 0x1a6];
const COFF_HEADER = 20;

/** The magic is two bytes only: the table of sections must begin with a name such as ".text", and lie in the file. */
function coffKind({ head, size }: Content): ContentKind | undefined {
  if (head.length < COFF_HEADER + 40) return undefined;
  const fields = view(head);
  if (isTiCoff(head)) return TI_COFF;
  const sections = fields.getUint16(2, true);
  const optional = fields.getUint16(16, true);
  if (!COFF_MACHINES.includes(fields.getUint16(0, true)) || sections === 0 || sections > 4096)
    return undefined;
  const symbols = fields.getUint32(8, true);
  const first = COFF_HEADER + optional;
  if (symbols > size || optional > 256 || first + 40 * sections > size || first + 8 > head.length)
    return undefined;
  return /^[.$/_]/.test(latin1(head.subarray(first, first + 8)))
    ? foreign("coff", "a COFF object file", LINK_FIRST)
    : undefined;
}

const TI_COFF = foreign(
  "ti-coff",
  "a COFF file of TI's compilers (.out)",
  "their hex430, hex2000 or armhex, with -b",
);
/** Bytes of TI's header, and the targets that end it: ARM, C5400, C6000, C5500, C2800, MSP430. */
const TI_HEADER = 22;
const TI_TARGETS = [0x97, 0x98, 0x99, 0x9c, 0x9d, 0xa0];

function isTiCoff(head: Uint8Array): boolean {
  const fields = view(head);
  const [version, sections] = [fields.getUint16(0, true), fields.getUint16(2, true)];
  const isKnown = (version === 0xc1 || version === 0xc2) && TI_TARGETS.includes(fields.getUint16(20, true));
  const first = TI_HEADER + fields.getUint16(16, true);
  return isKnown && sections > 0 && /^[.$/_]/.test(latin1(head.subarray(first, first + 8)));
}

const DFU_SIGNATURE: Uint8Array = fromHex("55464410") ?? new Uint8Array(0);

/** The suffix of USB DFU 1.1, appendix B: version 1.0 or DfuSe's 1.1a, "UFD", length 16, CRC-32. */
function dfuKind({ tail, size }: Content): ContentKind | undefined {
  if (tail.length < 16 || size <= 16) return undefined;
  const isSuffix = DFU_SIGNATURE.every((byte, i) => tail[8 + i] === byte);
  const version = view(tail).getUint16(6, true);
  if (!isSuffix || (version !== 0x100 && version !== 0x11a && version !== 0x110)) return undefined;
  return foreign(
    "dfu",
    "a DFU file, with a suffix of 16 bytes behind the firmware",
    "dfu-suffix -D IN, on a copy",
  );
}
