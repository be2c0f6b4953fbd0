import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { contentInMemory } from "../../src/content/content-kind.ts";
import { recognise } from "../../src/content/recognise.ts";

const text = (content: string): Uint8Array => Uint8Array.from(Buffer.from(content, "latin1"));
const NOISE = randomBytes(new SeededRandom(5), 5000);

/** Texts that stand for a file, print one, or carry one. */
const TEXTS: readonly (readonly [string, string, Uint8Array])[] = [
  ["html", "a piece of HTML", text('<div class="error">Not here</div>')],
  ["git-annex", "a link of git-annex, as text", text("../.git/annex/objects/ab/cd/SHA256E-s123--ab.bin\n")],
  ["dvc", "a pointer of DVC", text("outs:\n- md5: a304afb96060aad90176268345e10355\n  path: fw.bin\n")],
  ["symlink", "a link of git, as text", text("../releases/fw-1.2.3.bin")],
  ["symlink", "a link of Cygwin", text("!<symlink>\xff\xfef\0w\0")],
  ["torrent", "a torrent", text("d8:announce20:http://example.org/e")],
  ["checksum", "what sha256sum prints", text(`${"ab".repeat(32)}  fw.bin\n`)],
  ["checksum", "what BSD's sha256 prints", text(`SHA256 (fw.bin) = ${"ab".repeat(32)}\n`)],
  ["download-error", "404 of Go", text("404 page not found\n")],
  ["download-error", "the words of a server", text("Internal Server Error")],
  ["download-error", "a limit", text("API rate limit exceeded for 192.0.2.1.")],
  ["download-error", "a quoted message", text('"Not Found"')],
  ["mif", "a memory file of Quartus", text("-- made by hand\nDEPTH = 32;\nWIDTH = 8;\n")],
  ["coe", "a memory file of Xilinx", text("; made by hand\nmemory_initialization_radix=16;\n")],
  ["hex-digits", "Verilog without addresses", text(`// words\n${"deadbeef\n01020304\n".repeat(4)}`)],
  ["bits", "zeros and ones", text("00000001\n01010101\n11110000\n00001111\n10101010\n")],
  ["numbers", "a list without a name", text("0x01, 0x02, 0x03, 0x04,\n".repeat(4))],
  ["dump", "GDB", text("0x8000000 <main>:\t0x01\t0x02\t0x03\t0x04\t0x05\n")],
  ["dump", "OpenOCD", text("0x08000000: 20001000 00000101 00000103 00000105 \n")],
  ["dump", "U-Boot", text("80000000: 20001000 00000101 00000103 00000105    ................\n")],
  ["objdump", "objdump", text("\nfw.elf:     file format elf32-littlearm\n\nContents of section .text:\n")],
  ["uuencode", "uuencode", text("begin 644 fw.bin\nM!!!!\n`\nend\n")],
  ["mail", "a part of a mail", text("Content-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\n")],
  ["data-url", "a data: URL", text("data:application/x-firmware;base64,AAEC")],
  ["base64", "base64 on one line", text(Buffer.from(NOISE).toString("base64", 0, 300))],
  [
    "c-array",
    "an array with its section",
    text('__attribute__((section(".fw"))) const uint8_t fw[600] PROGMEM = {\n 0x01, 2'),
  ],
];

/** Texts that may be what a board runs. */
const SCRIPTS: readonly (readonly [string, Uint8Array])[] = [
  ["a long text that says not found", text(`print("not found")\n${"x = 1\n".repeat(100)}`)],
  ["a short program", text("print('page is here')\n")],
  ["a program of the shell", text("#!/bin/sh\n/usr/bin/app --serve\n")],
  ["a configuration", text("[serial]\nbaud = 115200\n")],
  ["a long word", text(`${"abcdefgh".repeat(20)}\n`)],
];

describe("a text", () => {
  it.each(TEXTS)("is %s: %s", (id, _name, bytes) => {
    const kind = recognise(contentInMemory(bytes));
    expect(kind).toMatchObject({ group: "foreign", id });
    expect(kind?.fix).toBeDefined();
  });

  it.each(SCRIPTS)("may be firmware: %s", (_name, bytes) => {
    expect(recognise(contentInMemory(bytes))).toBeUndefined();
  });
});
