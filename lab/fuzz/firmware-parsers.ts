import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { type FirmwareFormat, HEAD_LENGTH, TAIL_LENGTH } from "../../src/content/content-kind.ts";
import { recognise } from "../../src/content/recognise.ts";
import { type Firmware, readFirmware } from "../../src/image/firmware/firmware.ts";
import {
  elfFile,
  hexText,
  type Piece,
  srecord,
  srecText,
  uf2Block,
  uf2File,
} from "../../test/image/firmware/support.ts";
import { must, type ParserTarget } from "./fuzz-target.ts";

/** Bytes from the lowest to the highest address that are allowed here. */
const SPAN = 65_536;
/**
 * Longest time for one input of at most 64 KiB, in milliseconds: some hundred times what it takes. Work that grows faster than
 * the input shows as much more.
 */
const TIME_MAX_MS = 2000;

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const some = (seed: number, length: number): Uint8Array => randomBytes(new SeededRandom(seed), length);

const PIECES: readonly Piece[] = [
  { address: 0, data: some(1, 60) },
  { address: 0x0800_0000, data: some(2, 40) },
];

/** Reads an input in bounded time; checks what holds of whatever was read, also that it can be written and read again. */
function read(
  format: FirmwareFormat,
  input: Uint8Array,
  write: (piece: Piece) => Uint8Array | undefined,
): string {
  const parsed = timed(() => readFirmware(format, input, { fill: 0xff }, SPAN));
  if (parsed.tag === "fault") return parsed.fault;
  const { bytes, base = 0, filling, ranges, rangeCount } = parsed;
  must(bytes.length > 0 && bytes.length <= SPAN, "the span is within its limit");
  must(filling >= 0 && filling < bytes.length, "not everything is filling");
  must(ranges.length === rangeCount || rangeCount > 256, "all ranges are listed, up to a limit");
  const held = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  must(rangeCount > 256 || held === bytes.length - filling, "the ranges are what is not filling");
  const again = write({ address: base, data: bytes });
  if (again !== undefined) mustBeSame(readFirmware(format, again, {}, SPAN), parsed);
  return `${format} ${rangeCount > 1 ? "pieces" : "piece"}`;
}

function mustBeSame(again: ReturnType<typeof readFirmware>, { bytes, base }: Firmware): void {
  must(
    again.tag === "firmware" && again.base === base && equalBytes(again.bytes, bytes),
    "written and read again",
  );
}

function timed<T>(work: () => T): T {
  const start = performance.now();
  const result = work();
  const took = performance.now() - start;
  must(took < TIME_MAX_MS, `${took} ms for one input`);
  return result;
}

/** Addresses beyond 32 bits, or behind the last one, are of segmented HEX and of ELF for 64 bits. */
const fits32 = ({ address, data }: Piece): boolean => address + data.length <= 2 ** 32;

/** Puts the right checksum behind every line that has hexadecimal digits. `sumOf`: of the bytes before it. */
function mendLines(input: Uint8Array, lines: RegExp, sumOf: (bytes: Uint8Array) => number): Uint8Array {
  const mended = latin1(input).replace(lines, (line, digits: string) => {
    return `${line.slice(0, -2)}${Buffer.from([sumOf(Buffer.from(digits, "hex"))]).toString("hex")}`;
  });
  return Uint8Array.from(Buffer.from(mended, "latin1"));
}

const total = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum + byte, 0);

const hex: ParserTarget = {
  tag: "parser",
  name: "hex",
  weight: 2,
  seeds: () => [
    ...PIECES.map((piece) => ascii(hexText(piece))),
    ascii(":020000021000EC\n:01000000AA55\n:00000001FF\n"),
  ],
  repair: (_, input) =>
    mendLines(input, /^:((?:[0-9a-fA-F]{2}){4,})[0-9a-fA-F]{2}$/gm, (bytes) => -total(bytes) & 0xff),
  run: (input) => read("hex", input, (piece) => (fits32(piece) ? ascii(hexText(piece)) : undefined)),
};

const srec: ParserTarget = {
  tag: "parser",
  name: "srec",
  weight: 2,
  seeds: () => [
    ...PIECES.map((piece) => ascii(srecText(piece))),
    ascii([srecord(1, 0x100, [1, 2, 3]), srecord(2, 0x1_0000, [4]), srecord(5, 2), srecord(9, 0)].join("")),
  ],
  repair: (_, input) =>
    mendLines(input, /^S\d((?:[0-9a-fA-F]{2}){3,})[0-9a-fA-F]{2}$/gm, (bytes) => ~total(bytes) & 0xff),
  run: (input) => read("srec", input, (piece) => (fits32(piece) ? ascii(srecText(piece)) : undefined)),
};

const uf2: ParserTarget = {
  tag: "parser",
  name: "uf2",
  weight: 2,
  seeds: () => [
    uf2File({ address: 0x1000_0000, data: some(3, 600) }, 0xe48b_ff56),
    uf2File({ address: 0, data: some(8, 600) }).subarray(0, 1024),
    concatBytes(
      uf2Block({ address: 0, data: some(4, 256), index: 0, count: 1 }),
      uf2Block({ address: 0x2000, data: some(5, 16), index: 0, count: 1, flags: 1 }),
    ),
  ],
  /** Whole blocks with the magics of blocks, so that their fields are looked at. */
  repair(_random, input) {
    const whole = new Uint8Array(Math.max(1, Math.round(input.length / 512)) * 512);
    whole.set(input.subarray(0, whole.length));
    const fields = new DataView(whole.buffer);
    for (let at = 0; at < whole.length; at += 512) {
      fields.setUint32(at, 0x0a32_4655, true);
      fields.setUint32(at + 4, 0x9e5d_5157, true);
      fields.setUint32(at + 508, 0x0ab1_6f30, true);
    }
    return whole;
  },
  run: (input) => read("uf2", input, (piece) => (fits32(piece) ? uf2File(piece) : undefined)),
};

/** A 64-bit ELF file, big-endian, with a table of sections that covers its one segment. */
function elfWithSections({ address, data }: Piece): Uint8Array {
  const out = new Uint8Array(64 + 56 + data.length + 2 * 64);
  const view = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
  const [programs, content, sections] = [64, 120, 120 + data.length];
  for (const [at, value] of [
    [16, 2],
    [54, 56],
    [56, 1],
    [58, 64],
    [60, 2],
  ] as const)
    view.setUint16(at, value);
  view.setBigUint64(32, BigInt(programs));
  view.setBigUint64(40, BigInt(sections));
  view.setUint32(programs, 1);
  for (const [at, value] of [
    [8, content],
    [24, address],
    [32, data.length],
  ] as const)
    view.setBigUint64(programs + at, BigInt(value));
  view.setUint32(sections + 64 + 4, 1);
  for (const [at, value] of [
    [8, 2],
    [24, content],
    [32, data.length],
  ] as const)
    view.setBigUint64(sections + 64 + at, BigInt(value));
  out.set(data, content);
  return out;
}

const elf: ParserTarget = {
  tag: "parser",
  name: "elf",
  weight: 2,
  seeds: () => [
    elfFile(PIECES),
    elfFile(PIECES.slice(0, 1)),
    elfWithSections({ address: 0x100, data: some(6, 80) }),
  ],
  run: (input) => read("elf", input, (piece) => (fits32(piece) ? elfFile([piece]) : undefined)),
};

/** Starts of what people give for firmware. */
const STARTS = [
  "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA x\n",
  "<!DOCTYPE html><html><head><title>404</title>",
  "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
  "# a comment\n:020000021000EC\n",
  "@0000\n12 34 56\nq\n",
  "MDY1",
  "PK\u0003\u0004",
  "\u001f\u008b\u0008",
] as const;

const content: ParserTarget = {
  tag: "parser",
  name: "content",
  weight: 2,
  seeds: () => [
    ...STARTS.map((text) => Uint8Array.from(Buffer.from(text, "latin1"))),
    Uint8Array.from(Buffer.from(`\ufeff${hexText(...PIECES)}`, "utf16le")),
    elfFile(PIECES),
    uf2File({ address: 0, data: some(7, 30) }),
  ],
  /** The same over and over, up to the longest head: what is repeated is what keeps a search busy. */
  repair: (random, input) => repeated(random, input),
  run(input) {
    const half = randomBelow(new SeededRandom(input.length), 2) === 0;
    const size = half ? input.length : 2 * input.length;
    const head = input.subarray(0, HEAD_LENGTH);
    const kind = timed(() => recognise({ head, tail: input.subarray(-TAIL_LENGTH), size }));
    if (kind === undefined) return "raw";
    must(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(kind.id), "a kind has a stable name");
    must(/^(an?|the|no|some|[A-Z0-9]|[a-z]+s?) ?/.test(kind.name), "a kind has a name for people");
    return kind.id;
  },
};

function repeated(random: Random, input: Uint8Array): Uint8Array {
  if (input.length === 0 || randomBelow(random, 8) > 0) return input;
  const from = randomBelow(random, input.length);
  const piece = input.subarray(from, from + 1 + randomBelow(random, 32));
  const head = input.subarray(0, from);
  const times = Math.max(1, Math.floor((HEAD_LENGTH - head.length) / piece.length));
  return concatBytes(head, ...Array.from({ length: times }, () => piece));
}

/** Readers of what users give as firmware. */
export const FIRMWARE_PARSERS: readonly ParserTarget[] = [hex, srec, uf2, elf, content];
