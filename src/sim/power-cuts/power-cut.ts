import { type Random, randomBelow } from "../../base/prng.ts";
import { erasedBytes, type FlashMap, type FlashUnit, type Region } from "../../flash/geometry.ts";
import type { Flash, NorFlash } from "../../flash/nor-flash.ts";
import type { VerifiedBlock } from "../../flash/verified-block.ts";
import type { TornStorage } from "./torn-storage.ts";

/**
 * How an operation is cut: not begun, or done; a byte prefix of it, or any of its bits; or with bits that read at
 * random since: any of them (unstable), the first one that was to change (early), all done but the last (late).
 */
export const CUTS = ["before", "after", "prefix", "bits", "unstable", "early", "late"] as const;
export type CutKind = (typeof CUTS)[number];

/** An operation that is about to be carried out. */
export interface PendingOperation {
  /** From 1, since the flash was made. */
  readonly index: number;
  readonly tag: "erase" | "program";
  readonly region: Region;
  /** The bytes given for the region. */
  readonly bytes: Uint8Array;
}

/** The power went. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** What programming `next` over `old` gives: programmed bits stay so. */
export function programmed(unit: FlashUnit, old: Uint8Array, next: Uint8Array): Uint8Array {
  const { erasedByte } = unit;
  return old.map((byte, i) => ((byte ^ erasedByte) | ((next[i] ?? erasedByte) ^ erasedByte)) ^ erasedByte);
}

/** Leaves `storage` as the operation leaves it when the power goes in the way of `cut`. */
export function cutOperation(
  storage: TornStorage,
  unit: FlashUnit,
  { tag, region, bytes }: PendingOperation,
  cut: CutKind,
  random: Random,
): void {
  if (cut === "before") return;
  const was = storage.readSettled(region.offset, region.size);
  const next = tag === "erase" ? bytes : programmed(unit, was, bytes);
  if (cut === "after") {
    if (tag === "erase") storage.mend(region);
    storage.write(region.offset, next);
    return;
  }
  const prefix = randomBelow(random, region.size + 1);
  const now = was.slice();
  let first = -1;
  let last = -1;
  for (let i = 0; i < region.size; i++) {
    const changing = (was[i] ?? 0) ^ (next[i] ?? 0);
    if (changing === 0) continue;
    if (first < 0) first = i;
    last = i;
    const some = changing & random.u32();
    if (cut === "prefix" && i < prefix) now[i] = next[i] ?? 0;
    if (cut === "bits") now[i] = (was[i] ?? 0) ^ some;
    if (cut === "unstable" && i < prefix) storage.tear(region.offset + i, some);
  }
  if (cut === "late") now.set(next);
  const flickering = cut === "early" ? first : last;
  if ((cut === "early" || cut === "late") && flickering >= 0) {
    const changing = (was[flickering] ?? 0) ^ (next[flickering] ?? 0);
    storage.tear(region.offset + flickering, changing & -changing);
  }
  storage.write(region.offset, now);
}

/**
 * A flash that shows every operation before it is carried out, so that an observer may fork the storage, or throw
 * {@link PowerCut}. Programming over torn bits leaves them torn; `mayProgramTorn` says where that is no defect of the
 * program (an entry of the boot record may be torn and read blank), elsewhere it throws.
 */
export class CutFlash implements Flash {
  operations = 0;
  readonly #inner: NorFlash;
  readonly #storage: TornStorage;
  readonly #watch: (operation: PendingOperation) => void;
  readonly #mayProgramTorn: (region: Region) => boolean;

  constructor(
    inner: NorFlash,
    storage: TornStorage,
    watch: (operation: PendingOperation) => void,
    mayProgramTorn: (region: Region) => boolean,
  ) {
    this.#inner = inner;
    this.#storage = storage;
    this.#watch = watch;
    this.#mayProgramTorn = mayProgramTorn;
  }

  get map(): FlashMap {
    return this.#inner.map;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#inner.read(offset, length);
  }

  erase(sector: number): void {
    const region = this.map.sectors.region(sector);
    this.#show("erase", region, erasedBytes(this.map, region.size));
    this.#storage.mend(region);
    this.#inner.erase(sector);
  }

  program(offset: number, bytes: Uint8Array): void {
    const region = { offset, size: bytes.length };
    this.#show("program", region, bytes);
    if (!this.#programTorn(region, bytes)) this.#inner.program(offset, bytes);
  }

  programVerified(offset: number, block: VerifiedBlock): void {
    const region = { offset, size: block.padded.length };
    this.#show("program", region, block.padded);
    if (!this.#programTorn(region, block.padded)) this.#inner.programVerified(offset, block);
  }

  arm(...regions: readonly Region[]): void {
    this.#inner.arm(...regions);
  }

  sync(): void {}

  #show(tag: "erase" | "program", region: Region, bytes: Uint8Array): void {
    this.operations++;
    this.#watch({ index: this.operations, tag, region, bytes });
  }

  /** Past the rule that compares with what is read, which over torn bits is chance. Whether that was the case. */
  #programTorn(region: Region, bytes: Uint8Array): boolean {
    if (!this.#storage.isTorn(region)) return false;
    if (!this.#mayProgramTorn(region)) throw new Error(`programs over torn bits at ${region.offset}`);
    const old = this.#storage.readSettled(region.offset, region.size);
    this.#storage.write(region.offset, programmed(this.map, old, bytes));
    return true;
  }
}
