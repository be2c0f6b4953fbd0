import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../../src/base/prng.ts";
import type { FirmwareFormat } from "../../../src/content/content-kind.ts";
import { type FirmwareChoice, GAP_MAX, readFirmware } from "../../../src/image/firmware/firmware.ts";
import { elfFile, hexText, type Piece, srecord, srecText, uf2Block, uf2File } from "./support.ts";

const text = (content: string): Uint8Array => Uint8Array.from(Buffer.from(content, "latin1"));
const data = (length: number, seed = 1): Uint8Array => randomBytes(new SeededRandom(seed), length);
const CODE = data(600);
const AVR: readonly Piece[] = [
  { address: 0, data: CODE },
  { address: 0x81_0000, data: data(4, 2) },
  { address: 0x82_0000, data: data(3, 3) },
  { address: 0x83_0000, data: data(1, 4) },
];
const read = (
  format: FirmwareFormat,
  file: Uint8Array | string,
  choice: FirmwareChoice = {},
  spanMax?: number,
) => readFirmware(format, typeof file === "string" ? text(file) : file, choice, spanMax);

const FILES: Readonly<Record<FirmwareFormat, (piece: Piece) => Uint8Array>> = {
  hex: (piece) => text(hexText(piece)),
  srec: (piece) => text(srecText(piece)),
  uf2: (piece) => uf2File(piece),
  elf: (piece) => elfFile([piece]),
};

describe("firmware with addresses", () => {
  it.each(Object.entries(FILES))("is the same bytes at the same base in %s", (format, file) => {
    const found = read(format as FirmwareFormat, file({ address: 0x0800_4000, data: CODE }));
    expect(found).toMatchObject({ tag: "firmware", format, base: 0x0800_4000, filling: 0, rangeCount: 1 });
    expect(found).toMatchObject({ bytes: CODE, ranges: [{ start: 0x0800_4000, end: 0x0800_4258 }] });
  });

  it("tells base, ranges and filling of parts with gaps", () => {
    const parts = [0x1000, 0x8000, 0x1_0000].map((address, i) => ({ address, data: data(100, i) }));
    const found = read("hex", hexText(...parts));
    expect(found).toMatchObject({
      base: 0x1000,
      rangeCount: 3,
      filling: 0x1_0064 - 0x1000 - 300,
      fill: 0xff,
    });
    expect(read("hex", hexText(...parts), { fill: 0 })).toMatchObject({ fill: 0 });
    const filled = read("hex", hexText(...parts), { fill: 0 });
    expect(filled.tag === "firmware" && filled.bytes[100]).toBe(0);
  });

  it("is refused when its memories are far apart, with their names and what may be meant", () => {
    for (const file of [hexText(...AVR), srecText(...AVR)]) {
      const found = read(file.startsWith(":") ? "hex" : "srec", file);
      expect(found).toMatchObject({ tag: "fault", fault: "span", meant: "0x0-0x257" });
      const { detail = "" } = found.tag === "fault" ? found : {};
      for (const word of [
        "AVR EEPROM",
        "AVR fuses",
        "AVR lock bits",
        "0x820000-0x820002",
        "8585217",
        "8584609",
      ]) {
        expect(detail).toContain(word);
      }
    }
    expect(read("elf", elfFile(AVR))).toMatchObject({ fault: "span" });
  });

  it("takes what is named with only, and tells what it left out", () => {
    const found = read("hex", hexText(...AVR), { only: [{ start: 0, end: 0x8000 }] });
    expect(found).toMatchObject({ base: 0, bytes: CODE, leftOut: 8, filling: 0 });
    const part = read("hex", hexText(...AVR), {
      only: [
        { start: 0x10, end: 0x20 },
        { start: 0x18, end: 0x28 },
      ],
    });
    expect(part).toMatchObject({ base: 0x10, bytes: CODE.subarray(0x10, 0x28), leftOut: 600 + 8 - 0x18 });
    const eeprom = read("hex", hexText(...AVR), { only: [{ start: 0x81_0000, end: 0x81_0002 }] });
    expect(eeprom).toMatchObject({ base: 0x81_0000, bytes: data(4, 2).subarray(0, 2) });
    expect(read("hex", hexText(...AVR), { only: [{ start: 0x9000, end: 0x9001 }] })).toMatchObject({
      fault: "no-data",
    });
  });

  it("takes far pieces when the filling is named, up to the largest span", () => {
    expect(read("hex", hexText(...AVR), { fill: 0xff })).toMatchObject({ base: 0, filling: 8_584_609 });
    const uicr = [
      { address: 0x2_6000, data: CODE },
      { address: 0x1000_1014, data: data(4) },
    ];
    expect(read("hex", hexText(...uicr), { fill: 0xff })).toMatchObject({ fault: "span" });
    expect(read("hex", hexText(...uicr))).toMatchObject({
      fault: "span",
      detail: expect.stringContaining("nRF UICR"),
    });
  });

  it("may have gaps up to the limit, and larger ones between pieces that hold more", () => {
    const two = (gap: number, size: number): string =>
      hexText({ address: 0, data: data(size) }, { address: size + gap, data: data(16) });
    expect(read("hex", two(GAP_MAX, 16)).tag).toBe("firmware");
    expect(read("hex", two(GAP_MAX + 1, 16))).toMatchObject({ fault: "span" });
    expect(read("hex", two(GAP_MAX + 1, GAP_MAX)).tag).toBe("firmware");
  });

  it("takes bytes that are given twice alike, and counts them", () => {
    const again = hexText({ address: 0, data: CODE }, { address: 0x20, data: CODE.subarray(0x20, 0x30) });
    expect(read("hex", again)).toMatchObject({ bytes: CODE, repeated: 16 });
    const other = hexText({ address: 0, data: Uint8Array.of(1, 2) }, { address: 1, data: Uint8Array.of(7) });
    expect(read("hex", other)).toMatchObject({ fault: "overlap", line: 4 });
    expect(read("hex", other)).toMatchObject({ detail: expect.stringMatching(/0x1 .*0x2 .*0x7/) });
  });

  it("does not grow in memory with scattered data", () => {
    const scattered = Array.from({ length: 40 }, (_, i) => ({ address: i * 0x1000, data: data(1) }));
    expect(read("hex", hexText(...scattered), {}, 40 * 4096).tag).toBe("firmware");
    // Found at the line that is too much, not when all is in memory.
    expect(read("hex", hexText(...scattered), {}, 20 * 4096)).toMatchObject({ fault: "span", line: 44 });
    const many = Array.from({ length: 300 }, (_, i) => ({ address: 2 * i, data: data(1) }));
    const found = read("hex", hexText(...many));
    expect(found).toMatchObject({ rangeCount: 300 });
    expect(found.tag === "firmware" && found.ranges.length).toBe(256);
  });

  it.each([
    ["a comment first", `; one\n# two\n// three\n${hexText({ address: 0, data: CODE })}`],
    ["UTF-16", Uint8Array.from(Buffer.from(`\ufeff${hexText({ address: 0, data: CODE })}`, "utf16le"))],
    [
      "UTF-16 of the other order",
      Uint8Array.from(Buffer.from(`\ufeff${hexText({ address: 0, data: CODE })}`, "utf16le").swap16()),
    ],
    ["a mark", `\xef\xbb\xbf${hexText({ address: 0, data: CODE })}`],
  ])("is read from HEX with %s", (_name, file) => {
    expect(read("hex", file)).toMatchObject({ base: 0, bytes: CODE });
  });

  it("is not read from HEX with a comment between records", () => {
    const [first = "", ...others] = hexText({ address: 0, data: CODE }).split("\n");
    expect(read("hex", [first, "; later", ...others].join("\n"))).toMatchObject({ fault: "syntax", line: 2 });
  });
});

describe("S-records", () => {
  const end = srecord(9, 0);
  it("have addresses of 16, 24 and 32 bits, a title, and counts", () => {
    const file =
      srecord(0, 0, [0x41]) + srecord(1, 0xfffe, [1]) + srecord(2, 0xffff, [2]) + srecord(3, 0x1_0000, [3]);
    expect(read("srec", file + srecord(5, 3) + end)).toMatchObject({
      base: 0xfffe,
      bytes: Uint8Array.of(1, 2, 3),
    });
    expect(read("srec", file + srecord(6, 3))).toMatchObject({ base: 0xfffe });
  });

  it.each([
    ["syntax", 2, `${srecord(1, 0, [1])}hello\n${end}`],
    ["syntax", 1, `S1G4000001FA\n${end}`],
    ["syntax", 1, `SX04000001FA\n${end}`],
    ["length", 1, `S1030000FC\n`.replace("03", "04") + end],
    ["checksum", 2, `${srecord(1, 0, [1])}S104000102F9\n${end}`],
    ["record-type", 1, `S4040000010000\n${end}`],
    ["overlap", 2, srecord(1, 0, [1]) + srecord(1, 0, [2]) + end],
    ["no-end", 0, srecord(1, 0, [1])],
    ["no-end", 2, srecord(1, 0, [1]) + srecord(5, 2)],
    ["after-end", 3, srecord(1, 0, [1]) + end + srecord(1, 1, [1])],
    ["address", 1, srecord(1, 0xffff, [1, 2]) + end],
    ["no-data", 0, srecord(0, 0, [1]) + end],
  ])("fault %s in line %d", (fault, line, file) => {
    expect(read("srec", file)).toMatchObject({ tag: "fault", fault, line });
  });
});

describe("UF2", () => {
  const block = { address: 0x1000_0000, data: data(256), index: 0, count: 2 };
  const last = { ...block, address: 0x1000_0100, index: 1 };
  const file = (...blocks: readonly Parameters<typeof uf2Block>[0][]): Uint8Array =>
    Uint8Array.from(blocks.flatMap((one) => [...uf2Block(one)]));

  it("is read in any order, without blocks that are not for the flash", () => {
    const note = { ...block, address: 0, index: 9, count: 9, flags: 1 };
    const erratum = { ...block, address: 0x10ff_ff00, family: 0xe48b_ff57 };
    expect(read("uf2", file(last, block))).toMatchObject({ base: 0x1000_0000, filling: 0 });
    expect(read("uf2", file(note, block, last))).toMatchObject({ base: 0x1000_0000, filling: 0 });
    expect(read("uf2", file(erratum, block, last))).toMatchObject({ base: 0x1000_0000, filling: 0 });
  });

  it.each([
    ["no-end", file(block)],
    ["no-end", file(block, { ...block, address: 5000 })],
    ["no-end", file({ ...block, count: 0xffff_ffff }, last)],
    ["length", file(block, last).subarray(0, 700)],
    [
      "length",
      (() => {
        const bytes = file(block, last);
        bytes[17] = 2;
        return bytes;
      })(),
    ],
    [
      "syntax",
      (() => {
        const bytes = file(block, last);
        bytes[1023] = 0;
        return bytes;
      })(),
    ],
    ["address", file({ ...block, address: 0xffff_ffff, count: 1 })],
    ["overlap", file(block, { ...last, address: block.address, data: data(256, 9) })],
    ["unsupported", file({ ...block, family: 1 }, { ...last, family: 2 })],
    ["unsupported", file({ ...block, flags: 0x1000 }, last)],
    ["no-data", file({ ...block, flags: 1 })],
  ])("fault %s", (fault, bytes) => {
    expect(read("uf2", bytes)).toMatchObject({ tag: "fault", fault });
  });
});

describe("every reader", () => {
  const formats = Object.keys(FILES) as FirmwareFormat[];
  const damage = fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), { maxLength: 6 });
  test.prop([fc.constantFrom(...formats), damage, fc.nat(3000)], { numRuns: 3000 })(
    "gives firmware within the span or a fault, whatever was damaged or cut",
    (format, changes, cut) => {
      const bytes = Uint8Array.from(FILES[format]({ address: 0x8000, data: CODE.subarray(0, 300) }));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const found = read(format, cut < bytes.length ? bytes.subarray(0, cut) : bytes, { fill: 0 }, 65_536);
      if (found.tag === "firmware") expect(found.bytes.length).toBeLessThanOrEqual(65_536);
      else expect(found.detail.length).toBeGreaterThan(5);
    },
  );

  test.prop([fc.constantFrom(...formats), fc.uint8Array({ maxLength: 1200 })], { numRuns: 2000 })(
    "never throws on random bytes behind the format's start",
    (format, noise) => {
      const start = FILES[format]({ address: 0, data: CODE.subarray(0, 16) });
      for (const head of [0, 4, 16, 52, start.length]) {
        const bytes = Uint8Array.from([...start.subarray(0, head), ...noise]);
        expect(["firmware", "fault"]).toContain(read(format, bytes).tag);
      }
    },
  );
});
