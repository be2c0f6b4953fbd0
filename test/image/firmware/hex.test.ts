import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { contentInMemory } from "../../../src/content/content-kind.ts";
import { recognise } from "../../../src/content/recognise.ts";
import { readFirmware } from "../../../src/image/firmware/firmware.ts";

const END = ":00000001FF\n";
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

function record(address: number, type: number, data: readonly number[]): string {
  const body = [data.length, (address >>> 8) & 0xff, address & 0xff, type, ...data];
  const sum = body.reduce((total, byte) => total + byte, 0);
  return `:${Buffer.from([...body, -sum & 0xff])
    .toString("hex")
    .toUpperCase()}\n`;
}

/** Base and bytes, or the fault. */
function parseHex(text: Uint8Array, spanMax?: number) {
  const read = readFirmware("hex", text, {}, spanMax);
  return read.tag === "fault" ? read : { tag: "hex", base: read.base, bytes: read.bytes };
}

function looksLikeHex(text: Uint8Array): boolean {
  return recognise(contentInMemory(text))?.id === "hex";
}

/** HEX text for runs of bytes at 32-bit addresses. */
function hexOf(runs: readonly { address: number; data: readonly number[] }[]): string {
  return runs
    .map(
      ({ address, data }) =>
        record(0, 4, [address >>> 24, (address >>> 16) & 0xff]) + record(address & 0xffff, 0, data),
    )
    .concat(END)
    .join("");
}

describe("Intel HEX", () => {
  it("reads the example of the format's description", () => {
    const text =
      ":10010000214601360121470136007EFE09D2190140\n:100110002146017E17C20001FF5F16002148011928\n:00000001FF\n";
    const parsed = parseHex(bytes(text));
    expect(parsed).toMatchObject({ tag: "hex", base: 0x100 });
    if (parsed.tag === "hex") {
      expect(Buffer.from(parsed.bytes).toString("hex")).toBe(
        "214601360121470136007efe09d21901" + "2146017e17c20001ff5f160021480119",
      );
    }
  });

  it("uses the lowest address as base, wherever its record is, and 0xFF for gaps", () => {
    const text = hexOf([
      { address: 0x0800_0008, data: [8] },
      { address: 0x0800_0002, data: [2, 3] },
    ]);
    expect(parseHex(bytes(text))).toEqual({
      tag: "hex",
      base: 0x0800_0002,
      bytes: Uint8Array.of(2, 3, 0xff, 0xff, 0xff, 0xff, 8),
    });
  });

  it("accepts records of up to 255 bytes of data, and empty records anywhere", () => {
    const longest = Array.from({ length: 255 }, (_, i) => i);
    const far = record(0, 4, [0xff, 0xff]) + record(0xffff, 0, []);
    expect(parseHex(bytes(record(16, 0, longest) + far + END))).toEqual({
      tag: "hex",
      base: 16,
      bytes: Uint8Array.from(longest),
    });
  });

  it.each(["\xee\xbb\xbf", "\xef\xbc\xbf", "\xef\xbb\xbe", "\xef\xbb", "\xef", "xyz"])(
    "skips a byte order mark, but nothing like one: %j",
    (mark) => {
      const text = record(0, 0, [1]) + END;
      expect(parseHex(bytes(mark + text))).toMatchObject({ tag: "fault", fault: "syntax", line: 1 });
    },
  );

  it.each([
    [":G00000001FF", "syntax"],
    [":0G000001FF", "syntax"],
    [":00000001F", "syntax"],
    [":00000001F ", "syntax"],
    [":0000/001FF", "syntax"],
    [":00000001F@", "syntax"],
    [":00000001F`", "syntax"],
    [":00000001FG", "syntax"],
    [":", "length"],
    [":00", "length"],
    [":0000FF01", "length"],
  ])("does not accept %s as a record", (line, fault) => {
    const good = record(0, 0, [1]);
    expect(parseHex(bytes(`${good}${line}\n${END}`))).toMatchObject({ tag: "fault", fault, line: 2 });
  });

  it("takes a span up to the limit, and not beyond", () => {
    const text = record(0, 0, [1]) + record(8, 0, [1]) + END;
    expect(parseHex(bytes(text), 9)).toMatchObject({ tag: "hex" });
    expect(parseHex(bytes(text), 8)).toMatchObject({ tag: "fault", fault: "span" });
  });

  it("is recognised by a first line that is a record, also before bytes that are not text", () => {
    const line = ":00000001FF";
    for (const [text, isHex] of [
      [`${line}\n\x00\x80`, true],
      [`${line} \t\r\x00`, true],
      [`${line}x\n\x00`, false],
      [`${line} x\n\x00`, false],
      [`${line}\x00`, false],
      [`${line.slice(0, 10)}\n\x00`, false],
      [line, true],
      [`${line}x`, true],
      [` \n${line}`, true],
      [`x${line}\n`, false],
    ] as const) {
      expect(looksLikeHex(bytes(text)), JSON.stringify(text)).toBe(isHex);
    }
  });

  it("reads segments, start addresses, lower case, blanks, empty lines and every line end", () => {
    const text = ` ${record(0, 2, [0x10, 0]).trim()}\t\r\r\n\n${record(4, 0, [0xab]).toLowerCase().trim()}\r${record(0, 3, [0, 0, 0, 0])}${record(0, 5, [0, 0, 0, 0])}:00000001FF\x1a`;
    expect(parseHex(bytes(`\xef\xbb\xbf${text}`))).toEqual({
      tag: "hex",
      base: 0x1_0004,
      bytes: Uint8Array.of(0xab),
    });
  });

  it("reaches the last address of 4 GiB and not beyond", () => {
    expect(parseHex(bytes(hexOf([{ address: 0xffff_fffe, data: [1, 2] }])))).toMatchObject({
      base: 0xffff_fffe,
    });
    expect(parseHex(bytes(hexOf([{ address: 0xffff_ffff, data: [1, 2] }])))).toMatchObject({
      fault: "address",
    });
    const segment = record(0, 2, [0x10, 0]) + record(0xffff, 0, [1, 2]) + END;
    expect(parseHex(bytes(segment))).toMatchObject({ fault: "address", line: 2 });
  });

  it("refuses a span over the limit before it allocates anything", () => {
    const edge = (distance: number): string =>
      hexOf([
        { address: 0, data: [1] },
        { address: distance - 1, data: [2] },
      ]);
    expect(parseHex(bytes(edge(1000)), 1000)).toMatchObject({ tag: "hex" });
    expect(parseHex(bytes(edge(1001)), 1000)).toMatchObject({ fault: "span" });
    const sparse = hexOf([
      { address: 0, data: [1] },
      { address: 0xffff_ffff, data: [2] },
    ]);
    const before = process.memoryUsage().arrayBuffers;
    expect(parseHex(bytes(sparse))).toMatchObject({ fault: "span" });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it.each([
    ["syntax", 2, `${record(0, 0, [1])}hello\n${END}`],
    ["syntax", 1, `:0100000001F\n${END}`],
    ["syntax", 1, `:01000000G1FE\n${END}`],
    ["length", 1, `:0000\n${END}`],
    ["length", 1, `:0200000001FD\n${END}`],
    ["length", 2, `${record(0, 0, [1])}${record(0, 4, [1])}${END}`],
    ["length", 2, `${record(0, 0, [1])}${record(0, 1, [1])}`],
    ["checksum", 2, `${record(0, 0, [1])}:0100010001FE\n${END}`],
    ["record-type", 1, `${record(0, 6, [])}${END}`],
    ["overlap", 3, `${record(0, 0, [1, 2])}\n${record(1, 0, [3])}${END}`],
    ["no-data", 0, END],
    ["no-data", 0, `${record(0, 0, [])}${END}`],
    ["no-end", 0, record(0, 0, [1])],
    ["no-end", 0, ""],
    ["after-end", 3, `${record(0, 0, [1])}${END}${record(1, 0, [1])}`],
  ])("faults %s in line %d", (fault, line, text) => {
    expect(parseHex(bytes(text))).toMatchObject({ tag: "fault", fault, line });
  });

  it("is told from raw input by its content", () => {
    for (const text of [
      END,
      `\n  ${END}`,
      ":10zz",
      ":\n",
      `\xef\xbb\xbf${END}`,
      `${END}${"\x00".repeat(9)}`,
    ]) {
      expect(looksLikeHex(bytes(text)), JSON.stringify(text)).toBe(true);
    }
    for (const text of ["", "S00600004844521B\n", "\x00:00000001FF\n", ":\x00\x01", "MZ", `x${END}`]) {
      expect(looksLikeHex(bytes(text)), JSON.stringify(text)).toBe(false);
    }
  });

  const run = fc.record({
    address: fc.nat(600).map((n) => 0x0800_f000 + n),
    data: fc.array(fc.nat(255), { minLength: 1, maxLength: 40 }),
  });
  test.prop([fc.array(run, { minLength: 1, maxLength: 8 })], { numRuns: 100 })(
    "reads back what was written, or names the address with two values",
    (runs) => {
      const memory = new Map<number, number>();
      let isOverlapping = false;
      for (const { address, data } of runs) {
        data.forEach((byte, i) => {
          isOverlapping ||= memory.has(address + i) && memory.get(address + i) !== byte;
          memory.set(address + i, byte);
        });
      }
      const parsed = parseHex(bytes(hexOf(runs)));
      if (isOverlapping) expect(parsed).toMatchObject({ fault: "overlap" });
      else {
        const base = Math.min(...memory.keys());
        const bytes = new Uint8Array(Math.max(...memory.keys()) + 1 - base).fill(0xff);
        for (const [address, byte] of memory) bytes[address - base] = byte;
        expect(parsed).toMatchObject({ tag: "hex", base });
        expect(parsed.tag === "hex" && Buffer.compare(parsed.bytes, bytes)).toBe(0);
      }
    },
  );

  const good = bytes(
    hexOf([
      { address: 0x10, data: [1, 2, 3] },
      { address: 0x20, data: [4, 5] },
    ]),
  );
  const hits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  test.prop([hits], { numRuns: 500 })("never throws on damage, nor on a cut", (changes) => {
    const damaged = Uint8Array.from(good);
    for (const [at, value] of changes) damaged[at] = value;
    expect(["hex", "fault"]).toContain(parseHex(damaged).tag);
    expect(["hex", "fault"]).toContain(parseHex(damaged.subarray(0, changes[0]?.[0])).tag);
  });
});
