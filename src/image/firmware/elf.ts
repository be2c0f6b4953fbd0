import { type FirmwareFault, firmwareFault, writeFault } from "./firmware-fault.ts";
import type { MemoryMap } from "./memory-map.ts";

/*
 * ELF: the bytes that a programmer writes, at their load addresses, as `objcopy -O binary` has them: sections that take
 * memory and have content, placed by the segment they lie in. Segments alone would bring the header of the file along, which many
 * linkers put into the first one. Without a table of sections the segments are taken as they are.
 */
const TYPE_EXECUTABLE = 2;
const TYPE_SHARED = 3;
const TYPE_CORE = 4;
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const SEGMENT_INTERPRETER = 3;
/** Entries of a dynamic segment: a library that is needed, and the name that the file itself has as one. */
const DYNAMIC_NEEDED = 1;
const DYNAMIC_NAME = 14;
const DYNAMIC_MAX = 1024;
const SECTION_NO_BITS = 8;
const FLAG_ALLOCATED = 2n;
/** Entries that a table may have. With more sections the table itself holds their number. */
const SECTIONS_MAX = 0xff00;
const SEGMENTS_MAX = 1024;

interface Part {
  /** Where its bytes are in the file. */
  readonly offset: number;
  readonly size: number;
  /** Load address. */
  readonly address: number;
}

interface Layout {
  readonly segments: readonly Part[];
  /** Content in memory; undefined if the file has no table of sections. */
  readonly sections: readonly Omit<Part, "address">[] | undefined;
}

/** Reads an ELF file into a map. Never throws, whatever the bytes. */
export function readElf(file: Uint8Array, map: MemoryMap): FirmwareFault | undefined {
  const layout = readLayout(file);
  if ("tag" in layout) return layout;
  const parts = partsOf(layout);
  // Each byte of a file goes to one place: more is damage, or meant to keep a reader busy.
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  if (total > file.length) {
    return firmwareFault(
      "length",
      `it has ${file.length} bytes of ${total} that its segments need: it was cut off`,
    );
  }
  for (const { offset, size, address } of parts) {
    if (offset + size > file.length) {
      return firmwareFault(
        "length",
        `it ends before byte ${offset + size}, which a segment needs: it was cut off`,
      );
    }
    if (!Number.isSafeInteger(address + size))
      return firmwareFault("address", "a segment is at no usable address");
    const found = map.write(address, file.subarray(offset, offset + size));
    if (found !== undefined) return writeFault(found);
  }
  return undefined;
}

function partsOf({ segments, sections }: Layout): readonly Part[] {
  if (sections === undefined) return segments;
  const placed: Part[] = [];
  for (const { offset, size } of sections) {
    const segment = segments.find(
      (part) => part.offset <= offset && offset + size <= part.offset + part.size,
    );
    if (segment !== undefined)
      placed.push({ offset, size, address: segment.address + (offset - segment.offset) });
  }
  return placed;
}

function readLayout(file: Uint8Array): Layout | FirmwareFault {
  const [, , , , width, order] = file;
  const is64 = width === 2;
  if ((width !== 1 && !is64) || (order !== 1 && order !== 2) || file.length < (is64 ? 64 : 52)) {
    return firmwareFault("syntax", "its header is damaged, or cut off");
  }
  const fields = new Fields(file, is64, order === 1);
  const type = fields.half(16);
  if (type === 1)
    return firmwareFault("unsupported", "it is an object file that is not linked yet; link it first");
  if (type === TYPE_CORE)
    return firmwareFault("unsupported", "it is a core dump, the memory of a program that crashed");
  if (type !== TYPE_EXECUTABLE && type !== TYPE_SHARED) {
    return firmwareFault("unsupported", `it is no program (type ${type})`);
  }
  const programs = fields.table(is64 ? [32, 54, 56] : [28, 42, 44], is64 ? 56 : 32, SEGMENTS_MAX);
  if (programs === undefined)
    return firmwareFault("length", "its program headers lie outside of it: it was cut off");
  if (programs.some((at) => fields.word(at) === SEGMENT_INTERPRETER)) {
    return firmwareFault("unsupported", "it is a program for an operating system, which loads libraries");
  }
  const dynamic = programs.find((at) => fields.word(at) === SEGMENT_DYNAMIC);
  if (dynamic !== undefined && fields.isLibrary(fields.segment(dynamic))) {
    return firmwareFault("unsupported", "it is a library, or a program that loads libraries");
  }
  const segments = programs.filter((at) => fields.word(at) === SEGMENT_LOAD).map((at) => fields.segment(at));
  const table = fields.table(is64 ? [40, 58, 60] : [32, 46, 48], is64 ? 64 : 40, SECTIONS_MAX);
  if (table === undefined)
    return firmwareFault("length", "its section headers lie outside of it: it was cut off");
  const sections = table.filter((at) => fields.hasContent(at)).map((at) => fields.section(at));
  return {
    segments: segments.filter(({ size }) => size > 0),
    sections: table.length === 0 ? undefined : sections.filter(({ size }) => size > 0),
  };
}

/** Numbers of an ELF file of one width and byte order. Reads within the file only; the caller checks offsets. */
class Fields {
  readonly #view: DataView;
  readonly #is64: boolean;
  readonly #isLittle: boolean;

  constructor(file: Uint8Array, is64: boolean, isLittle: boolean) {
    this.#view = new DataView(file.buffer, file.byteOffset, file.length);
    this.#is64 = is64;
    this.#isLittle = isLittle;
  }

  half(at: number): number {
    return this.#view.getUint16(at, this.#isLittle);
  }

  word(at: number): number {
    return this.#view.getUint32(at, this.#isLittle);
  }

  /** An address, offset or size; beyond 2^53 it is no safe integer, which shows later. */
  #large(at: number): number {
    return this.#is64 ? Number(this.#view.getBigUint64(at, this.#isLittle)) : this.word(at);
  }

  /** Offsets of the entries of a table, whose offset, entry size and count stand at `places`; undefined outside the file. */
  table(
    [offsetAt, sizeAt, countAt]: readonly [number, number, number],
    sizeMin: number,
    countMax: number,
  ): number[] | undefined {
    const [offset, size, count] = [this.#large(offsetAt), this.half(sizeAt), this.half(countAt)];
    if (count === 0) return [];
    const isInside = size >= sizeMin && count < countMax && offset + size * count <= this.#view.byteLength;
    return isInside ? Array.from({ length: count }, (_, i) => offset + i * size) : undefined;
  }

  segment(at: number): Part {
    const [offset, address, size] = this.#is64 ? [8, 24, 32] : [4, 12, 16];
    return {
      offset: this.#large(at + offset),
      address: this.#large(at + address),
      size: this.#large(at + size),
    };
  }

  /** Whether a dynamic segment names a library, or the file as one. Firmware that moves itself has neither. */
  isLibrary({ offset, size }: Part): boolean {
    const width = this.#is64 ? 16 : 8;
    const end = Math.min(offset + size, this.#view.byteLength, offset + DYNAMIC_MAX * width);
    for (let at = offset; at + width <= end; at += width) {
      const tag = this.#large(at);
      if (tag === DYNAMIC_NEEDED || tag === DYNAMIC_NAME) return true;
      if (tag === 0) return false;
    }
    return false;
  }

  hasContent(at: number): boolean {
    const flags = this.#is64 ? this.#view.getBigUint64(at + 8, this.#isLittle) : BigInt(this.word(at + 8));
    return (flags & FLAG_ALLOCATED) !== 0n && this.word(at + 4) !== SECTION_NO_BITS;
  }

  section(at: number): Omit<Part, "address"> {
    const [offset, size] = this.#is64 ? [24, 32] : [16, 20];
    return { offset: this.#large(at + offset), size: this.#large(at + size) };
  }
}
