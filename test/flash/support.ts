import { type Random, randomBelow } from "../../src/base/prng.ts";
import type { FlashMap, Region } from "../../src/flash/geometry.ts";
import type { Flash, NorFlash } from "../../src/flash/nor-flash.ts";
import { MemoryStorage } from "../../src/flash/storage.ts";
import type { VerifiedBlock } from "../../src/flash/verified-block.ts";

/** The power went. */
export class PowerCut extends Error {}

/**
 * How an operation is cut: not begun, or done; an octet prefix of it, or any of its bits; or with bits that read at
 * random since: any of them (unstable), the first one that was to change (early), all done but the last (late).
 */
export const CUTS = ["before", "after", "prefix", "bits", "unstable", "early", "late"] as const;
export type Cut = (typeof CUTS)[number];

/** A storage in which some bits read differently each time, until their sector is erased. */
export class TornStorage extends MemoryStorage {
  readonly #random: Random;
  readonly #torn: Map<number, number> = new Map();

  constructor(size: number, random: Random) {
    super(size);
    this.#random = random;
  }

  override read(offset: number, length: number): Uint8Array {
    const bytes = super.read(offset, length);
    for (const [at, mask] of this.#torn) {
      if (at < offset || at >= offset + length) continue;
      bytes[at - offset] = (bytes[at - offset] ?? 0) ^ (mask & this.#random.u32());
    }
    return bytes;
  }

  /** The same content, torn bits included, with chance of its own. */
  copy(random: Random): TornStorage {
    const copy = new TornStorage(this.size, random);
    copy.write(0, super.read(0, this.size));
    for (const [at, mask] of this.#torn) copy.tear(at, mask);
    return copy;
  }

  /** Programs past the rule that compares with what is read, which here is chance. */
  programTorn(offset: number, bytes: Uint8Array): void {
    const old = super.read(offset, bytes.length);
    this.write(
      offset,
      bytes.map((byte, i) => byte & (old[i] ?? 0)),
    );
  }

  isTorn(region: Region): boolean {
    return [...this.#torn.keys()].some((at) => at >= region.offset && at < region.offset + region.size);
  }

  tear(at: number, mask: number): void {
    if (mask !== 0) this.#torn.set(at, mask);
  }

  mend(region: Region): void {
    for (let at = region.offset; at < region.offset + region.size; at++) this.#torn.delete(at);
  }
}

/**
 * Cuts the power at the `at`th operation (from 1). Programming over torn bits is an error, unless `isLax`: then they
 * stay torn.
 */
export class CutFlash implements Flash {
  operations = 0;
  readonly #inner: NorFlash;
  readonly #storage: TornStorage;
  readonly #random: Random;
  readonly #at: number;
  readonly #cut: Cut;
  readonly #isLax: boolean;

  constructor(inner: NorFlash, storage: TornStorage, random: Random, at: number, cut: Cut, isLax = false) {
    this.#isLax = isLax;
    this.#inner = inner;
    this.#storage = storage;
    this.#random = random;
    this.#at = at;
    this.#cut = cut;
  }

  get map(): FlashMap {
    return this.#inner.map;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#inner.read(offset, length);
  }

  erase(sector: number): void {
    const { sectorSize } = this.map;
    const region = { offset: sector * sectorSize, size: sectorSize };
    this.#step(region, new Uint8Array(sectorSize).fill(0xff), () => {
      this.#storage.mend(region);
      this.#inner.erase(sector);
    });
  }

  program(offset: number, bytes: Uint8Array): void {
    const region = { offset, size: bytes.length };
    this.#step(region, bytes, () => {
      if (this.#isOverTorn(region)) this.#storage.programTorn(offset, bytes);
      else this.#inner.program(offset, bytes);
    });
  }

  programVerified(offset: number, block: VerifiedBlock): void {
    const region = { offset, size: block.padded.length };
    this.#step(region, block.padded, () => {
      if (this.#isOverTorn(region)) this.#storage.programTorn(offset, block.padded);
      else this.#inner.programVerified(offset, block);
    });
  }

  arm(...regions: readonly Region[]): void {
    this.#inner.arm(...regions);
  }

  sync(): void {}

  #isOverTorn(region: Region): boolean {
    const isTorn = this.#storage.isTorn(region);
    if (isTorn && !this.#isLax) throw new Error(`programs over torn bits at ${region.offset}`);
    return isTorn;
  }

  #step(region: Region, next: Uint8Array, act: () => void): void {
    this.operations++;
    if (this.operations !== this.#at || this.#cut === "after") act();
    if (this.operations !== this.#at) return;
    if (this.#cut !== "before" && this.#cut !== "after") this.#tear(region, next);
    throw new PowerCut(`at operation ${this.#at}`);
  }

  #tear(region: Region, next: Uint8Array): void {
    const old = this.#storage.read(region.offset, region.size);
    const was = old.slice();
    const prefix = randomBelow(this.#random, region.size + 1);
    for (let i = 0; i < region.size; i++) {
      const changing = (was[i] ?? 0) ^ (next[i] ?? 0);
      const some = changing & this.#random.u32();
      if (this.#cut === "prefix" && i < prefix) old[i] = next[i] ?? 0;
      if (this.#cut === "bits") old[i] = (was[i] ?? 0) ^ some;
      if (this.#cut === "unstable" && i < prefix) this.#storage.tear(region.offset + i, some);
    }
    const changed = Array.from(next.keys()).filter((i) => next[i] !== was[i]);
    if (this.#cut === "early") this.#flicker(region, old, next, changed[0] ?? 0);
    if (this.#cut === "late") {
      old.set(next);
      this.#flicker(region, was, next, changed.at(-1) ?? 0);
    }
    this.#storage.write(region.offset, old);
  }

  /** One bit of one octet that is changing reads at random. */
  #flicker(region: Region, old: Uint8Array, next: Uint8Array, i: number): void {
    const changing = (old[i] ?? 0) ^ (next[i] ?? 0);
    this.#storage.tear(region.offset + i, changing & -changing);
  }
}
