import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { contentInMemory, HEAD_LENGTH } from "../../src/content/content-kind.ts";
import { recognise } from "../../src/content/recognise.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const text = (content: string): Uint8Array => Uint8Array.from(Buffer.from(content, "latin1"));
const utf16 = (content: string, mark = "\ufeff"): Uint8Array =>
  Uint8Array.from(Buffer.from(mark + content, "utf16le"));
const swapped = (bytes: Uint8Array): Uint8Array => Uint8Array.from(Buffer.from(bytes).swap16());
/** Bytes at their offsets, zeros elsewhere. */
const sparse = (length: number, parts: Readonly<Record<number, string | Uint8Array>>): Uint8Array => {
  const out = new Uint8Array(length);
  for (const [at, part] of Object.entries(parts))
    out.set(typeof part === "string" ? text(part) : part, Number(at));
  return out;
};
const kindOf = (bytes: Uint8Array): string | undefined => recognise(contentInMemory(bytes))?.id;
const NOISE = randomBytes(new SeededRandom(5), 5000);
const noiseAfter = (start: Uint8Array): Uint8Array => Uint8Array.from([...start, ...NOISE]);

const HEX = ":0400000001020304F2\n:00000001FF\n";
const SREC = "S1070000010203FEF4\nS9030000FC\n";
const COFF = sparse(600, {
  0: hex("4c01 0200 00000000 10010000 05000000 0000 0000"),
  20: ".text",
  60: ".data",
});
const DFU = sparse(700, { 684: hex("ffff 11df 8304 0001"), 692: "UFD", 695: hex("10 12345678") });
const PE = sparse(400, { 0: "MZ", 60: hex("80000000"), 128: "PE\0\0" });

const FOREIGN: readonly (readonly [string, string, Uint8Array])[] = [
  ["elf", "an ELF file", noiseAfter(hex("7f454c46 01010100"))],
  ["uf2", "a UF2 file", noiseAfter(hex("5546320a 57515d9e"))],
  ["hex", "HEX with a mark", text(`\xef\xbb\xbf${HEX}`)],
  ["hex", "HEX in UTF-16", utf16(HEX)],
  ["hex", "HEX in UTF-16 of the other order", swapped(utf16(HEX))],
  ["hex", "HEX in UTF-16 without a mark", utf16(HEX, "")],
  ["hex", "HEX after comments", text(`; built for board 7\r\n# twice\n// thrice\n\n${HEX}`)],
  ["hex", "HEX in a log", text(`$ cat fw.hex\n${HEX}:00000001FF\n`)],
  ["srec", "S-records", text(SREC)],
  ["srec", "S-records after a comment", text(`; made by hand\n${SREC}`)],
  ["archive", "an archive of objects", noiseAfter(text("!<arch>\n"))],
  ["macho", "Mach-O", noiseAfter(hex("cffaedfe 0c000001 00000000 02000000 10000000"))],
  ["macho", "Mach-O of the other order", noiseAfter(hex("feedface 00000012 00000000 00000002 00000001"))],
  ["macho", "fat Mach-O", noiseAfter(hex("cafebabe 00000002"))],
  ["java-class", "a Java class", noiseAfter(hex("cafebabe 00000037"))],
  ["pe", "a program for Windows", PE],
  ["coff", "a COFF object", COFF],
  ["llvm-bitcode", "bitcode", noiseAfter(hex("4243c0de"))],
  ["wasm", "WebAssembly", noiseAfter(hex("0061736d 01000000"))],
  ["gzip", "gzip, made by zlib", gzipSync("firmware")],
  ["xz", "xz", hex("fd377a585a000004e6d6b4460200210116000000742fe5a3")],
  ["bzip2", "bzip2", hex("425a68393141592653599db4bd2b")],
  ["bzip2", "bzip2 of nothing", hex("425a683917724538509000000000")],
  ["zstd", "zstd", hex("28b52ffd0409490000666972")],
  ["lz4", "lz4", hex("04224d186440a709000080")],
  ["lzma", "lzma", hex("5d00008000ffffffffffffffff0033")],
  ["zip", "zip", hex("504b03040a00000000004470")],
  ["zip", "an empty zip", sparse(22, { 0: hex("504b0506") })],
  ["7z", "7z", noiseAfter(hex("377abcaf271c"))],
  ["tar", "tar", execFileSync("tar", ["-C", ".", "-cf", "-", "package.json"])],
  ["dfu", "a DFU suffix", DFU],
  ["dfuse", "DfuSe", noiseAfter(text("DfuSe\x01"))],
  ["android-sparse", "Android sparse", noiseAfter(hex("3aff26ed"))],
  ["bsdiff", "bsdiff", noiseAfter(text("BSDIFF40"))],
  ["vcdiff", "xdelta", noiseAfter(hex("d6c3c4"))],
  ["ips", "IPS", noiseAfter(text("PATCH\0"))],
  ["patch", "a diff", text("--- a/main.c\n+++ b/main.c\n@@ -1 +1 @@\n-x\n+y\n")],
  ["patch", "a git diff", text("diff --git a/x b/x\nindex 1..2\n")],
  ["html", "HTML", text("\n<!DOCTYPE html>\n<html><body>Not here</body></html>")],
  ["html", "HTML after a comment", text("<!-- served by -->\n<html></html>")],
  [
    "xml",
    "the error of an object store",
    text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
  ],
  ["json", "JSON", text('{"message": "Not Found"}\n')],
  ["json", "JSON that was cut off", text('{\n  "assets": [1, 2')],
  ["json", "a JSON list", text('[{"name": 1}]')],
  [
    "git-lfs",
    "a pointer of git-lfs",
    text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
  ],
  ["download-error", "the text of a failed download", text("404: Not Found")],
  ["tektronix", "Tektronix extended", text("%1A626810000000202020202020\n")],
  ["ti-txt", "TI-TXT", text("@8000\n31 40 00 03 B0 13\nq\n")],
  ["vmem", "Verilog", text("// a comment\n@00000000 deadbeef 00000001\n")],
  ["mos", "MOS", text(";0400000102030400A1\n;0000010001\n")],
  ["dump", "xxd", text("00000000: 7f45 4c46 0101 0100 0000 0000 0000 0000  .ELF\n")],
  ["hex-digits", "xxd -p", text(`${"7f454c460101010000".repeat(3)}\n${"00112233445566778899".repeat(2)}\n`)],
  ["c-array", "xxd -i", text("unsigned char fw_bin[] = {\n  0x7f, 0x45\n};\n")],
  [
    "base64",
    "base64",
    text(
      `${Buffer.from(NOISE)
        .toString("base64", 0, 300)
        .replace(/(.{64})/g, "$1\n")}\n`,
    ),
  ],
  [
    "hex",
    "HEX in UTF-32",
    Buffer.from(
      [..."\ufeff", ...HEX].flatMap((letter) => [
        0,
        0,
        letter.charCodeAt(0) >>> 8,
        letter.charCodeAt(0) & 0xff,
      ]),
    ),
  ],
  [
    "utf-32le",
    "words in UTF-32",
    Buffer.from([..."a text, not firmware"].flatMap((letter) => [letter.charCodeAt(0), 0, 0, 0])),
  ],
  ["hex", "HEX in a mail", text(HEX.replace(/^/gm, "> "))],
  ["srec", "S-records in small letters", text(SREC.toLowerCase())],
  ["srec", "S-records with text behind them", text(SREC.replaceAll("\n", " ; data\n"))],
  ["deb", "a Debian package", noiseAfter(text("!<arch>\ndebian-binary   1342943816"))],
  ["tar", "tar of the seventh Unix", execFileSync("tar", ["--format=v7", "-cf", "-", "package.json"])],
  ["cpio", "cpio of POSIX", noiseAfter(text(`070707${"0".repeat(70)}fw.bin\0`))],
  ["cpio", "cpio with checksums", noiseAfter(text(`070702${"0".repeat(104)}fw.bin\0`))],
  ["cpio", "the oldest cpio", sparse(90, { 0: hex("c771"), 20: hex("0700"), 26: "fw.bin" })],
  [
    "cpio",
    "the oldest cpio, of the other order",
    sparse(90, { 0: hex("71c7"), 20: hex("0007"), 26: "fw.bin" }),
  ],
  ["html", "a page with colours of a terminal", text("<html>\x1b[31m</html>\0")],
  ["html", "a page in another alphabet, cut off", text("<!DOCTYPE html><p>Gr\xc3\xbc\0")],
  ["lha", "LHA", noiseAfter(text("\x1d\x9b-lh5-"))],
  ["lzma", "lzma with a small dictionary", hex("6600000100ffffffffffffffff0033")],
  ["lzma", "lzma with its size", hex("5d00008000580200000000000000 33")],
  ["zstd", "zstd behind a frame to be skipped", noiseAfter(hex("502a4d1804000000"))],
  ["xar", "xar", noiseAfter(text("xar!\0\x1c"))],
  ["qcow", "qcow2", noiseAfter(text("QFI\xfb\0\0\0\x03"))],
  ["apple-double", "what macOS keeps beside files", noiseAfter(hex("0005160700020000"))],
  ["ds-store", ".DS_Store", noiseAfter(text("\0\0\0\x01Bud1"))],
  ["shortcut", "a shortcut of Windows", noiseAfter(hex("4c0000000114020000000000c000000000000046"))],
  ["shortcut", "a shortcut of a browser", text("[InternetShortcut]\r\nURL=https://example.org/fw.bin\r\n")],
  ["http", "an answer with its headers", noiseAfter(text("HTTP/1.1 200 OK\r\n\r\n"))],
  ["ti-coff", "COFF of TI", sparse(200, { 0: hex("c200 0100"), 20: hex("a000"), 22: ".text" })],
  ["utf-16le", "a text in UTF-16", utf16("just words, no firmware")],
  ["utf-8-mark", "a marked text", text("\xef\xbb\xbfjust words")],
  ["mayday-image", "an image file", noiseAfter(text("MAYDAY\r\n"))],
  ["mayday-image-text", "an image file that was copied as text", noiseAfter(text("MAYDAY\n"))],
];

/** What looks a little like something else, and is raw firmware. */
const RAW: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["one byte", hex("00")],
  ["noise", NOISE],
  ["a Cortex-M vector table", hex("00200020 c1000008 c9000008 cb000008 cd000008")],
  ["an AVR vector table", hex("0c942a00 0c943400 0c943400 0c943400")],
  ["an ESP32 image", noiseAfter(hex("e9030220 1c040840"))],
  [
    "a Linux kernel for arm64, which also is PE",
    sparse(400, { 0: hex("4d5a40fa"), 56: "ARM\x64", 60: hex("80000000"), 128: "PE\0\0" }),
  ],
  ["MZ without a PE header", sparse(400, { 0: "MZ", 60: hex("80000000") })],
  ["an image of MCUboot", noiseAfter(hex("3db8f396"))],
  ["a table of partitions of an ESP32", noiseAfter(hex("aa500102"))],
  ["an ext4", sparse(3000, { 1080: hex("53ef") })],
  ["zeros with a size that lzma could have", sparse(64, { 3: hex("01") })],
  ["bytes with the oldest magic of cpio", noiseAfter(hex("c771"))],
  [
    "words of 32 bits below 128",
    Uint8Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? (i / 4) % 30 : 0)),
  ],
  ["a U-Boot image", noiseAfter(hex("27051956"))],
  ["a device tree", noiseAfter(hex("d00dfeed"))],
  ["a squashfs", noiseAfter(text("hsqs"))],
  ["half of a gzip magic", noiseAfter(hex("1f8b00"))],
  ["a COFF machine without sections", noiseAfter(hex("4c01"))],
  ["UFD at the end without its version", sparse(700, { 692: "UFD", 695: hex("10") })],
  ["a script", text("import machine\nmachine.Pin(2).on()\n")],
  ["words", text("bytes")],
  ["a text that names a key's label without dashes", text("load the PRIVATE KEY from flash\n")],
  [
    "firmware with a PEM mark in its data",
    noiseAfter(hex("00200020 2d2d2d2d2d424547494e2050524956415445204b45592d2d2d2d2d 00")),
  ],
  [
    "firmware with a whole key in its data",
    noiseAfter(text(`\0-----BEGIN PRIVATE KEY-----\n${"MC4C".repeat(16)}\n-----END PRIVATE KEY-----\n`)),
  ],
  [
    "a script that knows the label of a key",
    text('if pem.startswith("-----BEGIN PRIVATE KEY-----"):\n  load(pem)\n'),
  ],
  ["a script that begins with a comment and a colon", text("# install\n: nothing yet\n")],
  ["bytes that begin as UTF-16 does", hex("fffe 1234 5678 9abc def0 1122 3344")],
  ["bytes that begin as marked UTF-8 does", hex("efbbbf 00 01 02 03")],
  ["31 random bytes", NOISE.subarray(0, 31)],
  ["32 bytes that repeat", new Uint8Array(32).fill(7)],
];

describe("the content of a file", () => {
  it.each(FOREIGN)("is %s: %s", (id, _name, bytes) => {
    expect(kindOf(bytes)).toBe(id);
  });

  it.each(RAW)("may be raw firmware: %s", (_name, bytes) => {
    expect(kindOf(bytes)).toBeUndefined();
  });

  it("names a way out for all that is converted by a command", () => {
    const silent = FOREIGN.map(([, , bytes]) => recognise(contentInMemory(bytes)))
      .filter((kind) => kind?.group === "foreign" && kind.fix === undefined)
      .map((kind) => kind?.id);
    expect(silent.sort()).toEqual(["ds-store", "java-class", "wasm", "zip"]);
  });

  const magic = fc.constantFrom(...FOREIGN.map(([, , bytes]) => bytes.subarray(0, 600)));
  test.prop([magic, fc.nat(600), fc.uint8Array({ maxLength: 900 })], { numRuns: 3000 })(
    "is judged without an exception, whatever follows a magic",
    (start, length, rest) => {
      const bytes = Uint8Array.from([...start.subarray(0, length), ...rest]);
      expect(["string", "undefined"]).toContain(typeof kindOf(bytes));
    },
  );

  const word = fc.constantFrom(
    "-----BEGIN ",
    "PRIVATE KEY",
    "-----",
    ":",
    "S1",
    "@",
    "00",
    "\n",
    " ",
    "RW",
    "{",
    '"kty":',
    '"d"',
    "//",
    "/*",
    "*/",
    ";",
    "ssh-rsa ",
    "MII",
    "=",
    "<",
    "\xff",
    "\0",
  );
  test.prop([fc.array(word, { maxLength: 60 })], { numRuns: 2000 })(
    "is judged without an exception in texts",
    (words) => {
      expect(["string", "undefined"]).toContain(typeof kindOf(text(words.join(""))));
    },
  );

  it.each([
    ";\n",
    "// x\n",
    "@0\n",
    " \n",
    ":0000000000\n",
    "-----BEGIN A-----",
    "/*",
    "ssh-rsa ",
    "1,",
    "00 ",
    "> ",
    "-----BEGIN PRIVATE KEY-----",
    "aaaaaaaaaaaaaaaa",
    "char [",
    "<RSAKeyValue>",
    "kty: \n",
    "begin private key ",
    "A: b\n",
  ])("is judged in one pass over a megabyte of %j", (unit) => {
    const long = text(unit.repeat(Math.ceil(1_000_000 / unit.length)));
    expect(["string", "undefined"]).toContain(typeof recognise({ ...contentInMemory(long), head: long })?.id);
  });

  it("is judged by its start: what follows a megabyte of text is not looked at", () => {
    const long = text(`${"words ".repeat(20_000)}\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE`);
    expect(long.length).toBeGreaterThan(HEAD_LENGTH);
    expect(kindOf(long)).toBeUndefined();
    expect(recognise({ ...contentInMemory(long), head: long })?.id).toBe("pem-private");
  });
});
