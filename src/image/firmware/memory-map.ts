/** Bytes of memory that are held together. */
const PAGE_SIZE = 4096;

/** Addresses `start` to `end`, without `end`. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** A byte that was given twice with two values. */
export interface Conflict {
  readonly address: number;
  readonly held: number;
  readonly given: number;
}

interface Page {
  readonly bytes: Uint8Array;
  /** A bit for each byte that was written. */
  readonly written: Uint8Array;
}

/**
 * Bytes at addresses, as the records of a firmware file give them, in any order. Memory is bounded: pages of 4096 bytes
 * that hold at least one byte, at most `pagesMax` of them.
 */
export class MemoryMap {
  readonly #pages: Map<number, Page> = new Map();
  readonly #pagesMax: number;
  #count = 0;
  #repeated = 0;

  /** `spanMax`: bytes of memory that may be touched. */
  constructor(spanMax: number) {
    // Data that is not aligned touches one page more.
    this.#pagesMax = Math.ceil(spanMax / PAGE_SIZE) + 1;
  }

  /** Addresses that hold a byte. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that were given once more, with the value that was there. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Writes bytes. What was there stays where it differs. Returns the first conflict, or "full" at the limit of pages. */
  write(address: number, data: Uint8Array): Conflict | "full" | undefined {
    for (let done = 0; done < data.length; ) {
      const at = address + done;
      const index = Math.floor(at / PAGE_SIZE);
      const offset = at - index * PAGE_SIZE;
      const part = data.subarray(done, done + PAGE_SIZE - offset);
      const page = this.#pages.get(index) ?? this.#newPage(index);
      if (page === undefined) return "full";
      const differing = this.#writePage(page, offset, part);
      if (differing !== undefined) {
        const held = page.bytes[offset + differing] ?? 0;
        return { address: at + differing, held, given: part[differing] ?? 0 };
      }
      done += part.length;
    }
    return undefined;
  }

  #newPage(index: number): Page | undefined {
    if (this.#pages.size >= this.#pagesMax) return undefined;
    const page = { bytes: new Uint8Array(PAGE_SIZE), written: new Uint8Array(PAGE_SIZE / 8) };
    this.#pages.set(index, page);
    return page;
  }

  /** The index in `part` of the first byte that differs from what is there. */
  #writePage({ bytes, written }: Page, offset: number, part: Uint8Array): number | undefined {
    for (let i = 0; i < part.length; i++) {
      const at = offset + i;
      const mask = 1 << (at & 7);
      const value = part[i] ?? 0;
      if (((written[at >>> 3] ?? 0) & mask) === 0) {
        written[at >>> 3] = (written[at >>> 3] ?? 0) | mask;
        bytes[at] = value;
        this.#count++;
      } else if (bytes[at] === value) this.#repeated++;
      else return i;
    }
    return undefined;
  }

  /** The ranges that hold bytes, in order, joined across gaps of at most `gapMax` bytes. */
  *ranges(gapMax = 0): Generator<AddressRange> {
    let start: number | undefined;
    let end = 0;
    for (const index of this.#order()) {
      const written = this.#pages.get(index)?.written ?? new Uint8Array(0);
      const base = index * PAGE_SIZE;
      for (let i = 0; i < PAGE_SIZE; i++) {
        const group = written[i >>> 3] ?? 0;
        if ((i & 7) === 0 && (group === 0 || (group === 0xff && start !== undefined && end === base + i))) {
          i += 7;
          if (group === 0xff) end = base + i + 1;
          continue;
        }
        if ((group & (1 << (i & 7))) === 0) continue;
        if (start !== undefined && base + i - end > gapMax) {
          yield { start, end };
          start = undefined;
        }
        start ??= base + i;
        end = base + i + 1;
      }
    }
    if (start !== undefined) yield { start, end };
  }

  /** Keeps only the bytes in these ranges; returns the number of those that it forgot. */
  keep(ranges: readonly AddressRange[]): number {
    const before = this.#count;
    for (const [index, { written }] of this.#pages) {
      const base = index * PAGE_SIZE;
      const near = ranges.filter(({ start, end }) => start < base + PAGE_SIZE && end > base);
      if (near.some(({ start, end }) => start <= base && end >= base + PAGE_SIZE)) continue;
      for (let i = 0; i < PAGE_SIZE; i++) {
        const mask = 1 << (i & 7);
        if (((written[i >>> 3] ?? 0) & mask) === 0) continue;
        if (near.some(({ start, end }) => start <= base + i && base + i < end)) continue;
        written[i >>> 3] = (written[i >>> 3] ?? 0) & ~mask;
        this.#count--;
      }
    }
    return before - this.#count;
  }

  /** The bytes of a range; those that were not written are `fill`. */
  bytes({ start, end }: AddressRange, fill: number): Uint8Array {
    const out = new Uint8Array(end - start).fill(fill);
    for (const [index, { bytes, written }] of this.#pages) {
      const base = index * PAGE_SIZE;
      for (let i = Math.max(0, start - base); i < PAGE_SIZE && base + i < end; i++) {
        if (((written[i >>> 3] ?? 0) & (1 << (i & 7))) !== 0) out[base + i - start] = bytes[i] ?? 0;
      }
    }
    return out;
  }

  #order(): number[] {
    return [...this.#pages.keys()].sort((a, b) => a - b);
  }
}
