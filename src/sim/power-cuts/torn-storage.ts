import { assert } from "../../base/assert.ts";
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
    for (const [i, sector] of this.#sectors.entries()) {
      copy.#sectors[i] = sector;
      this.#isOwn[i] = false;
    }
    for (const [at, mask] of this.#torn) copy.#torn.set(at, mask);
    return copy;
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
    assert(offset >= 0 && length >= 0 && offset + length <= this.size, `read ${length} at ${offset}`);
    const out = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { sector, at, count } = this.#spot(offset + done, length - done);
      out.set((this.#sectors[sector] ?? out).subarray(at, at + count), done);
      done += count;
    }
    return out;
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(offset >= 0 && offset + bytes.length <= this.size, `write ${bytes.length} at ${offset}`);
    let done = 0;
    while (done < bytes.length) {
      const { sector, at, count } = this.#spot(offset + done, bytes.length - done);
      if (this.#isOwn[sector] !== true) this.#sectors[sector] = (this.#sectors[sector] ?? bytes).slice();
      this.#isOwn[sector] = true;
      this.#sectors[sector]?.set(bytes.subarray(done, done + count), at);
      done += count;
    }
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

function isWithin(region: Region, at: number): boolean {
  return at >= region.offset && at < region.offset + region.size;
}
