import type { FirmwareFormat } from "../../content/content-kind.ts";
import { type Likeness, likenessOf } from "../../content/likeness.ts";
import { plainText, textEncoding } from "../../content/text-encoding.ts";
import { readElf } from "./elf.ts";
import { addressText, type FirmwareFault, firmwareFault } from "./firmware-fault.ts";
import { readHex } from "./hex.ts";
import { type AddressRange, MemoryMap } from "./memory-map.ts";
import { memoryName } from "./memory-names.ts";
import { readSrec } from "./srec.ts";
import { readUf2 } from "./uf2.ts";

/** Most bytes from the lowest to the highest address. */
export const SPAN_MAX = 67_108_864;
/**
 * Longest file with addresses, in bytes: 64 MiB of data in HEX records of 16 bytes take 2.8 times as much, and programs hold
 * debugging information.
 */
export const ADDRESSED_FILE_MAX = 268_435_456;
/** What erased flash holds, in the most parts. */
export const FILL_DEFAULT = 0xff;
/**
 * Pieces with a larger gap between them are in different memories, unless they hold more than the gap: no boot loader leaves
 * so much room for an application, and EEPROM, fuses and option bytes are further away.
 */
export const GAP_MAX = 1_048_576;
/** Ranges that are listed one by one. */
const RANGES_LISTED = 256;
/** Ranges that a message names. */
const RANGES_NAMED = 8;

/** What is meant where a file alone does not say it. */
export interface FirmwareChoice {
  /** Only what lies in these addresses belongs into the image. */
  readonly only?: readonly AddressRange[] | undefined;
  /** Value of bytes between pieces, 0 to 255. When it is given, pieces may be far apart. */
  readonly fill?: number | undefined;
}

/** How a file with addresses became the bytes of an image. */
export interface FirmwareFacts {
  readonly format: FirmwareFormat | "raw";
  /** Address of the image's first byte; undefined for raw bytes, which have none. */
  readonly base: number | undefined;
  /** What holds data, in order; at most 256 ranges are listed. */
  readonly ranges: readonly AddressRange[];
  readonly rangeCount: number;
  /** Bytes of the image that are filling. */
  readonly filling: number;
  readonly fill: number;
  /** Bytes that were left out, as `only` says. */
  readonly leftOut: number;
  /** Bytes that the file gives more than once, with the same value each time. */
  readonly repeated: number;
  /** What the bytes look like, if that is not what firmware looks like. */
  readonly likeness: Likeness | undefined;
}

export interface Firmware extends FirmwareFacts {
  readonly tag: "firmware";
  readonly bytes: Uint8Array;
}

/**
 * Reads firmware in a format with addresses. Texts may be UTF-16 or begin with a mark. The image begins at the lowest address;
 * gaps are filled. Memory is bounded by 64 MiB of touched pages and the image. Never throws, whatever the bytes.
 */
export function readFirmware(
  format: FirmwareFormat,
  file: Uint8Array,
  choice: FirmwareChoice = {},
  spanMax: number = SPAN_MAX,
): Firmware | FirmwareFault {
  const map = new MemoryMap(spanMax);
  const fault = readInto(format, file, map);
  if (fault !== undefined) return fault;
  const repeated = map.repeated;
  const listed = choice.only === undefined ? "" : rangesText(map);
  const leftOut = choice.only === undefined ? 0 : map.keep(choice.only);
  if (map.count === 0) {
    const detail = listed === "" ? "it holds no data" : `it holds no data in these addresses, only ${listed}`;
    return firmwareFault("no-data", detail);
  }
  const apart = apartFault(map, choice, spanMax);
  if (apart !== undefined) return apart;
  const [whole = { start: 0, end: 0 }] = map.ranges(spanMax);
  const fill = choice.fill ?? FILL_DEFAULT;
  const bytes = map.bytes(whole, fill);
  const filling = bytes.length - map.count;
  return {
    tag: "firmware",
    format,
    base: whole.start,
    ...listedRanges(map),
    filling,
    fill,
    leftOut,
    repeated,
    // Text at addresses is meant: somebody made the records.
    likeness: likenessOf(bytes) === "blank" ? "blank" : undefined,
    bytes,
  };
}

function readInto(format: FirmwareFormat, file: Uint8Array, map: MemoryMap): FirmwareFault | undefined {
  switch (format) {
    case "elf":
      return readElf(file, map);
    case "uf2":
      return readUf2(file, map);
    case "hex":
      return readHex(plainText(file, textEncoding(file)), map);
    case "srec":
      return readSrec(plainText(file, textEncoding(file)), map);
  }
}

function listedRanges(map: MemoryMap): Pick<FirmwareFacts, "ranges" | "rangeCount"> {
  const ranges: AddressRange[] = [];
  let rangeCount = 0;
  for (const range of map.ranges()) if (rangeCount++ < RANGES_LISTED) ranges.push(range);
  return { ranges, rangeCount };
}

/** Why pieces cannot be one image, with what would make them one. */
function apartFault(map: MemoryMap, { fill }: FirmwareChoice, spanMax: number): FirmwareFault | undefined {
  let first: number | undefined;
  let end = 0;
  let gap = 0;
  for (const piece of map.ranges(GAP_MAX)) {
    if (first !== undefined) gap = Math.max(gap, piece.start - end);
    first ??= piece.start;
    end = piece.end;
  }
  const span = end - (first ?? 0);
  const isFar = gap > map.count && fill === undefined;
  if (span <= spanMax && !isFar) return undefined;
  const sizes = `addresses ${addressText(first ?? 0)} to ${addressText(end - 1)} span ${span} bytes, ${span - map.count} of them filling`;
  const limit = span > spanMax ? `, at most ${spanMax} are allowed` : "";
  const [main] = map.ranges(GAP_MAX);
  const detail = `its data lies far apart, at ${rangesText(map)}: ${sizes}${limit}`;
  return { ...firmwareFault("span", detail), ...(main === undefined ? {} : { meant: rangeText(main) }) };
}

/** "0x0-0x12b", as `--only` takes it. */
export function rangeText({ start, end }: AddressRange): string {
  return `${addressText(start)}-${addressText(end - 1)}`;
}

/** Ranges, with what their memory is known as; ranges of one memory are joined. The first ones. */
function rangesText(map: MemoryMap): string {
  const texts: string[] = [];
  let count = 0;
  let last: (AddressRange & { readonly name: string | undefined }) | undefined;
  const add = (): void => {
    if (last === undefined || ++count > RANGES_NAMED) return;
    texts.push(last.name === undefined ? rangeText(last) : `${rangeText(last)} (${last.name})`);
  };
  for (const range of map.ranges()) {
    const name = memoryName(range);
    if (last !== undefined && last.name === name && range.start - last.end <= GAP_MAX) {
      last = { ...last, end: range.end };
      continue;
    }
    add();
    last = { ...range, name };
  }
  add();
  if (count > RANGES_NAMED) texts.push(`${count - RANGES_NAMED} more`);
  return texts.join(", ");
}
