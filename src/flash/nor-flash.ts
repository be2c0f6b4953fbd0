import { contains, type FlashMap, firstUnprogrammable, overlaps, type Region } from "./geometry.ts";
import type { FlashStorage } from "./storage.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** The rules that {@link NorFlash} enforces. */
export type FlashRule =
  | "range" // outside the flash
  | "alignment" // not whole write units
  | "needs-erase" // would turn a programmed bit back to erased
  | "recovery" // the recovery image is never touched
  | "disarmed" // outside the armed regions
  | "unverified" // a slot takes verified blocks only
  | "not-a-slot"; // and verified blocks go nowhere else

/** A bug in the caller: the flash, or the safety of the board, does not allow the operation. Nothing was changed. */
export class FlashRuleError extends Error {
  override readonly name = "FlashRuleError";
  readonly rule: FlashRule;

  constructor(rule: FlashRule, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

/** An operation that is about to change the flash, as hooks and wrappers see it. */
export type FlashOperation =
  | { readonly tag: "erase"; readonly sector: number }
  | { readonly tag: "program"; readonly offset: number; readonly bytes: Uint8Array };

/**
 * NOR flash: reads anywhere, erases whole sectors, programs erased bits. An interface, so that wrappers (fault and
 * power-cut injection) stack around {@link NorFlash}.
 */
export interface Flash {
  readonly map: FlashMap;
  /** A fresh copy. */
  read(offset: number, length: number): Uint8Array;
  /** Erases one sector; `sector` counts from the flash's start. */
  erase(sector: number): void;
  /** Programs whole write units anywhere but in slots. */
  program(offset: number, bytes: Uint8Array): void;
  /** Programs a verified block into a slot. */
  programVerified(offset: number, block: VerifiedBlock): void;
  /** Allows erasing and programming in these regions only, until the next call. At first in none. */
  arm(...regions: readonly Region[]): void;
  /** Returns when everything written survives a crash of the machine. */
  sync(): void;
}

/** Operations on a flash since it was opened. */
export interface FlashCounters {
  reads: number;
  bytesRead: number;
  erases: number;
  /** Most erases of any one sector. */
  erasesMax: number;
  programs: number;
  bytesProgrammed: number;
}

/**
 * A NOR flash over a storage, with the rules of the chip and of the board. Throws {@link FlashRuleError} before
 * anything changes.
 */
export class NorFlash implements Flash {
  readonly map: FlashMap;
  readonly counters: FlashCounters = {
    reads: 0,
    bytesRead: 0,
    erases: 0,
    erasesMax: 0,
    programs: 0,
    bytesProgrammed: 0,
  };
  readonly #storage: FlashStorage;
  readonly #before: (operation: FlashOperation) => void;
  readonly #wear: Uint32Array;
  #armed: readonly Region[] = [];

  /** `before` is called with every operation that keeps the rules, just before it is carried out. */
  constructor(storage: FlashStorage, map: FlashMap, before: (operation: FlashOperation) => void = () => {}) {
    if (storage.size !== map.size) throw new FlashRuleError("range", `${storage.size} bytes for ${map.size}`);
    this.map = map;
    this.#storage = storage;
    this.#before = before;
    this.#wear = new Uint32Array(map.sectors.count);
  }

  /** Erases of one sector since the flash was opened. */
  wear(sector: number): number {
    return this.#wear[sector] ?? 0;
  }

  read(offset: number, length: number): Uint8Array {
    this.#inRange({ offset, size: length });
    this.counters.reads++;
    this.counters.bytesRead += length;
    return this.#storage.read(offset, length);
  }

  erase(sector: number): void {
    const { sectors } = this.map;
    const isThere = Number.isInteger(sector) && sector >= 0 && sector < sectors.count;
    if (!isThere) throw new FlashRuleError("range", `sector ${sector} of ${sectors.count}`);
    const region = sectors.region(sector);
    this.#mayChange(region);
    this.#before({ tag: "erase", sector });
    const wear = this.wear(sector) + 1;
    this.#wear[sector] = wear;
    this.counters.erases++;
    this.counters.erasesMax = Math.max(this.counters.erasesMax, wear);
    this.#storage.erase(region.offset, region.size, this.map.erasedByte);
  }

  program(offset: number, bytes: Uint8Array): void {
    const region = { offset, size: bytes.length };
    if (this.map.slots.some((slot) => overlaps(slot, region))) {
      throw new FlashRuleError("unverified", `${bytes.length} bytes at ${offset} of a slot`);
    }
    this.#program(region, bytes);
  }

  programVerified(offset: number, block: VerifiedBlock): void {
    const region = { offset, size: block.padded.length };
    if (!this.map.slots.some((slot) => contains(slot, region))) {
      throw new FlashRuleError("not-a-slot", `${region.size} bytes at ${offset}`);
    }
    if (!block.isIntact)
      throw new FlashRuleError("unverified", `a block for ${offset} changed since it was checked`);
    this.#program(region, block.padded);
  }

  arm(...regions: readonly Region[]): void {
    for (const region of regions) {
      this.#inRange(region);
      if (overlaps(region, this.map.recovery)) throw new FlashRuleError("recovery", "may not be armed");
    }
    this.#armed = regions;
  }

  sync(): void {
    this.#storage.sync();
  }

  #program(region: Region, bytes: Uint8Array): void {
    this.#mayChange(region);
    const { writeSize } = this.map;
    if (region.offset % writeSize !== 0 || region.size % writeSize !== 0) {
      throw new FlashRuleError("alignment", `${region.size} bytes at ${region.offset}, unit ${writeSize}`);
    }
    const old = this.#storage.read(region.offset, region.size);
    const bad = firstUnprogrammable(this.map, old, bytes);
    if (bad >= 0) throw new FlashRuleError("needs-erase", `byte ${region.offset + bad} has bits to unset`);
    this.#before({ tag: "program", offset: region.offset, bytes });
    this.counters.programs++;
    this.counters.bytesProgrammed += region.size;
    this.#storage.write(region.offset, bytes);
  }

  #inRange(region: Region): void {
    const isWhole = Number.isInteger(region.offset) && Number.isInteger(region.size) && region.size >= 0;
    if (!isWhole || !contains({ offset: 0, size: this.map.size }, region)) {
      throw new FlashRuleError("range", `${region.size} bytes at ${region.offset} of ${this.map.size}`);
    }
  }

  #mayChange(region: Region): void {
    this.#inRange(region);
    if (overlaps(region, this.map.recovery)) {
      throw new FlashRuleError("recovery", `${region.size} bytes at ${region.offset}`);
    }
    if (!this.#armed.some((armed) => contains(armed, region))) {
      throw new FlashRuleError("disarmed", `${region.size} bytes at ${region.offset}`);
    }
  }
}
