/*
 * Intel HEX, read twice. The first pass checks every record and finds the span of addresses, so that nothing is
 * allocated for a file that spans too many; the second pass fills the image.
 */

/** Most bytes from the lowest to the highest address. */
export const HEX_SPAN_MAX = 67_108_864;
/** Longest HEX text, in bytes: 64 MiB of data in the usual records of 16 bytes take 2.8 times as much. */
export const HEX_TEXT_MAX = 268_435_456;

/** What a HEX file describes. Gaps between records are 0xFF, as erased flash is. */
export interface HexImage {
  readonly tag: "hex";
  /** Lowest address. */
  readonly base: number;
  readonly bytes: Uint8Array;
}

export type HexFaultName =
  | "syntax" // not ":" and pairs of hexadecimal digits
  | "length" // a record whose length byte or fixed size is wrong
  | "checksum"
  | "record-type" // not 00 to 05
  | "address" // beyond 4 GiB, or out of its segment
  | "span" // too far from the lowest to the highest address
  | "overlap" // two records for one address
  | "no-data" // no data record at all
  | "no-end" // no end record: the file was cut off
  | "after-end"; // a record after the end record

/** `line` counts from 1; 0 stands for the file as a whole. */
export interface HexFault {
  readonly tag: "fault";
  readonly fault: HexFaultName;
  readonly line: number;
  readonly detail: string;
}

const COLON = 0x3a;
const LF = 0x0a;
const CR = 0x0d;
const ADDRESS_END = 2 ** 32;
const SEGMENT_SIZE = 0x1_0000;
/** Length 1, address 2, type 1, data up to 255, checksum 1. */
const RECORD_MAX = 260;

/** Record types, and the bytes of data each must have. */
const RecordType = { data: 0, end: 1, segment: 2, startSegment: 3, linear: 4, startLinear: 5 } as const;
const FIXED_LENGTH: readonly (number | undefined)[] = [undefined, 0, 2, 4, 2, 4];

function isBlank(byte: number | undefined): boolean {
  // DOS tools end text files with Ctrl-Z.
  return byte === 0x20 || byte === 0x09 || byte === 0x1a;
}

function digit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * Whether a file that begins with `head` is meant as Intel HEX: its first visible character is ":", and either its
 * first line looks like a record or all of `head` is text. So a damaged HEX file is reported instead of being taken
 * for a raw image.
 */
export function looksLikeHex(head: Uint8Array): boolean {
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  const visible = text.replace(/^(?:\xef\xbb\xbf)?\s*/, "");
  return /^:[0-9a-fA-F]{10,}[ \t]*(?:[\r\n]|$)/.test(visible) || /^:[\x20-\x7e\t\r\n]*$/.test(visible);
}

/** Reads Intel HEX text. Never throws, whatever the bytes. */
export function parseHex(text: Uint8Array, spanMax: number = HEX_SPAN_MAX): HexImage | HexFault {
  let low = ADDRESS_END;
  let high = 0;
  const spanFault = eachRecord(text, (address, data, line) => {
    low = Math.min(low, address);
    high = Math.max(high, address + data.length);
    if (high - low <= spanMax) return undefined;
    const range = `0x${low.toString(16)} to 0x${(high - 1).toString(16)}`;
    const detail = `addresses ${range} span ${high - low} bytes, at most ${spanMax} are allowed; fix: leave out far-off sections (objcopy -R SECTION)`;
    return { tag: "fault", fault: "span", line, detail };
  });
  if (spanFault !== undefined) return spanFault;
  if (high <= low) return { tag: "fault", fault: "no-data", line: 0, detail: "it holds no data record" };

  const bytes = new Uint8Array(high - low).fill(0xff);
  const seen = new Uint8Array(Math.ceil(bytes.length / 8));
  const overlap = eachRecord(text, (address, data, line) => {
    for (let i = 0; i < data.length; i++) {
      const at = address - low + i;
      const mask = 1 << (at & 7);
      if (((seen[at >>> 3] ?? 0) & mask) !== 0) {
        const detail = `address 0x${(low + at).toString(16)} has two records`;
        return { tag: "fault", fault: "overlap", line, detail };
      }
      seen[at >>> 3] = (seen[at >>> 3] ?? 0) | mask;
    }
    bytes.set(data, address - low);
    return undefined;
  });
  return overlap ?? { tag: "hex", base: low, bytes };
}

type Visit = (address: number, data: Uint8Array, line: number) => HexFault | undefined;

/** Calls `visit` for every data record that is not empty; `data` is reused between calls. */
function eachRecord(text: Uint8Array, visit: Visit): HexFault | undefined {
  const record = new Uint8Array(RECORD_MAX);
  let base = 0;
  let limit = ADDRESS_END;
  let isEnded = false;
  for (const { line, bytes } of linesOf(text)) {
    const fault = (name: HexFaultName, detail: string): HexFault => ({
      tag: "fault",
      fault: name,
      line,
      detail,
    });
    if (isEnded) return fault("after-end", "there is text after the end record");
    const length = readRecord(bytes, record);
    if (typeof length !== "number") return fault(length.fault, length.detail);
    const data = record.subarray(4, 4 + length);
    const word = (data[0] ?? 0) * 256 + (data[1] ?? 0);
    switch (record[3]) {
      case RecordType.end:
        isEnded = true;
        break;
      case RecordType.segment:
        base = word * 16;
        limit = base + SEGMENT_SIZE;
        break;
      case RecordType.linear:
        base = word * 0x1_0000;
        limit = ADDRESS_END;
        break;
      case RecordType.data: {
        const address = base + (record[1] ?? 0) * 256 + (record[2] ?? 0);
        if (address + length > limit)
          return fault("address", "the record crosses the end of its address range");
        const stop = length > 0 ? visit(address, data, line) : undefined;
        if (stop !== undefined) return stop;
        break;
      }
      default: // start addresses: an image has none
    }
  }
  if (isEnded) return undefined;
  return { tag: "fault", fault: "no-end", line: 0, detail: "no end record: it was cut off" };
}

/** The lines that are not blank, trimmed; numbered from 1. CR LF, LF or CR end a line. */
function* linesOf(text: Uint8Array): Generator<{ readonly line: number; readonly bytes: Uint8Array }> {
  let line = 1;
  let start = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
  while (start < text.length) {
    let next = start;
    while (next < text.length && text[next] !== LF && text[next] !== CR) next++;
    let end = next;
    while (end > start && isBlank(text[end - 1])) end--;
    while (start < end && isBlank(text[start])) start++;
    if (start < end) yield { line, bytes: text.subarray(start, end) };
    start = text[next] === CR && text[next + 1] === LF ? next + 2 : next + 1;
    line++;
  }
}

/** Reads one line into `record` (length, address, type, data, checksum) and returns the bytes of its data. */
function readRecord(line: Uint8Array, record: Uint8Array): number | { fault: HexFaultName; detail: string } {
  if (line[0] !== COLON) return { fault: "syntax", detail: 'the line does not begin with ":"' };
  const count = (line.length - 1) / 2;
  if (!Number.isInteger(count)) return { fault: "syntax", detail: "an odd number of digits" };
  if (count < 5 || count > record.length) return { fault: "length", detail: `a record of ${count} bytes` };
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const [left, right] = [digit(line[1 + 2 * i]), digit(line[2 + 2 * i])];
    if (left < 0 || right < 0)
      return { fault: "syntax", detail: `not hexadecimal digits in column ${2 + 2 * i}` };
    record[i] = left * 16 + right;
    sum = (sum + left * 16 + right) & 0xff;
  }
  const length = record[0] ?? 0;
  const type = record[3] ?? 0;
  if (length !== count - 5)
    return { fault: "length", detail: `${count - 5} bytes of data, ${length} announced` };
  if (sum !== 0) return { fault: "checksum", detail: "the checksum is wrong: the line is damaged" };
  if (type > RecordType.startLinear)
    return { fault: "record-type", detail: `record type ${type} is not known` };
  const fixed = FIXED_LENGTH[type];
  if (fixed !== undefined && fixed !== length) {
    return { fault: "length", detail: `record type ${type} has ${fixed} bytes of data, not ${length}` };
  }
  return length;
}
