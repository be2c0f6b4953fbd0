import { assert } from "../../base/assert.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/prng.ts";
import type { FlashMap, Region } from "../../flash/geometry.ts";
import type { FlashStorage } from "../../flash/storage.ts";

/**
 * A storage in memory, erased at first, some bits of which may read differently each time until their sector is
 * erased, as those of NOR flash do after a power cut. Forking it costs next to nothing: sectors are copied only when
 * one side writes.
 */
export class TornStorage implements FlashStorage {
  readonly size: number;
  readonly #map: FlashMap;
  #random: Random;
  readonly #sectors: Uint8Array[];
  /** Sectors that are kept once for all storages that have them, by their first bytes. */
  #known: ReadonlyMap<number, readonly Uint8Array[]> = new Map();
  /** Whether only this storage has the sector. */
  readonly #isOwn: boolean[];
  /** Bits that read at random, by the byte's offset. */
  readonly #torn: Map<number, number> = new Map();

  /** `random` says what torn bits read. */
  constructor(map: FlashMap, random: Random) {
    this.size = map.size;
    this.#map = map;
    this.#random = random;
    this.#sectors = map.sectors.runs.flatMap(({ count, size }) => {
      return new Array<Uint8Array>(count).fill(new Uint8Array(size).fill(map.erasedByte));
    });
    this.#isOwn = this.#sectors.map(() => false);
  }

  /** The same content, torn bits included, with chance of its own. */
  fork(random: Random): TornStorage {
    const copy = new TornStorage(this.#map, random);
    copy.#known = this.#known;
    for (const [i, sector] of this.#sectors.entries()) {
      copy.#sectors[i] = sector;
      this.#isOwn[i] = false;
    }
    for (const [at, mask] of this.#torn) copy.#torn.set(at, mask);
    return copy;
  }

  /**
   * Whole sectors that are written from now on, here and in forks, take no memory if one of `others` has a sector of the same
   * content: for thousands of storages that come to hold the same.
   */
  shareSectorsOf(...others: readonly TornStorage[]): void {
    const known = new Map<number, Uint8Array[]>();
    for (const sector of new Set(others.flatMap((other) => other.#sectors))) {
      const same = known.get(headOf(sector)) ?? [];
      if (!same.some((one) => equalBytes(one, sector))) known.set(headOf(sector), [...same, sector]);
    }
    for (const other of others) other.#isOwn.fill(false);
    this.#known = known;
  }

  /** From now on torn bits read by another chance. */
  reseed(random: Random): void {
    this.#random = random;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = this.readSettled(offset, length);
    if (this.#torn.size === 0) return bytes;
    for (const [at, mask] of this.#torn) {
      if (at < offset || at >= offset + length) continue;
      bytes[at - offset] = (bytes[at - offset] ?? 0) ^ (mask & this.#random.u32());
    }
    return bytes;
  }

  /** The bytes as if no bit were torn. */
  readSettled(offset: number, length: number): Uint8Array {
    assert(length >= 0, `read ${length} at ${offset}`);
    const out = new Uint8Array(length);
    this.copySettled(offset, out);
    return out;
  }

  /** Fills `out` with the bytes from `offset` on, as if no bit were torn. */
  copySettled(offset: number, out: Uint8Array): void {
    const { length } = out;
    assert(offset >= 0 && offset + length <= this.size, `read ${length} at ${offset}`);
    let done = 0;
    while (done < length) {
      const { sector, at, count } = this.#spot(offset + done, length - done);
      out.set((this.#sectors[sector] ?? out).subarray(at, at + count), done);
      done += count;
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(offset >= 0 && offset + bytes.length <= this.size, `write ${bytes.length} at ${offset}`);
    let done = 0;
    while (done < bytes.length) {
      const { sector, at, count } = this.#spot(offset + done, bytes.length - done);
      const part = bytes.subarray(done, done + count);
      const known = this.#knownSector(sector, part);
      if (known !== undefined) {
        this.#sectors[sector] = known;
        this.#isOwn[sector] = false;
        done += count;
        continue;
      }
      if (this.#isOwn[sector] !== true) this.#sectors[sector] = (this.#sectors[sector] ?? bytes).slice();
      this.#isOwn[sector] = true;
      this.#sectors[sector]?.set(part, at);
      done += count;
    }
  }

  /** The sector that is kept for these bytes, if they are a whole one. */
  #knownSector(sector: number, bytes: Uint8Array): Uint8Array | undefined {
    if (this.#known.size === 0 || bytes.length !== this.#sectors[sector]?.length) return undefined;
    return this.#known.get(headOf(bytes))?.find((known) => equalBytes(known, bytes));
  }

  /** Erased bytes; bits that were torn stay so until {@link TornStorage.mend}. */
  erase(offset: number, size: number, erasedByte: number): void {
    this.write(offset, new Uint8Array(size).fill(erasedByte));
  }

  /** Makes bits of the byte at `at` read at random. */
  tear(at: number, mask: number): void {
    if (mask !== 0) this.#torn.set(at, mask);
  }

  /** Makes all bits of a region read what was written, as an erase does. */
  mend(region: Region): void {
    if (this.#torn.size === 0) return;
    for (const at of [...this.#torn.keys()]) if (isWithin(region, at)) this.#torn.delete(at);
  }

  /** Whether any bit of a region reads at random. */
  isTorn(region: Region): boolean {
    if (this.#torn.size === 0) return false;
    for (const at of this.#torn.keys()) if (isWithin(region, at)) return true;
    return false;
  }

  sync(): void {}

  close(): void {}

  #spot(offset: number, left: number): { sector: number; at: number; count: number } {
    const { sectors } = this.#map;
    const sector = sectors.at(offset);
    const region = sectors.region(sector);
    const at = offset - region.offset;
    return { sector, at, count: Math.min(left, region.size - at) };
  }
}

/** The first four bytes, as a number. */
function headOf(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

function isWithin(region: Region, at: number): boolean {
  return at >= region.offset && at < region.offset + region.size;
}
