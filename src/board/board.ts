import { join } from "node:path";
import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import { FailedError, NotBootableError, UsageError } from "../base/errors.ts";
import { type Random, randomBelow } from "../base/prng.ts";
import { WriteGuard } from "../files/write-guard.ts";
import { openDevice } from "../flash/device/device-open.ts";
import { type DeviceSystem, linuxSystem } from "../flash/device/device-system.ts";
import { FileStorage } from "../flash/device/file-storage.ts";
import { type FlashMap, flashMap } from "../flash/geometry.ts";
import { NorFlash } from "../flash/nor-flash.ts";
import type { RecordState } from "../flash/record/record-state.ts";
import type { FlashStorage } from "../flash/storage.ts";
import type { ImageSource } from "../image/image-source.ts";
import { blockLength, type Manifest } from "../image/manifest.ts";
import { leafHash } from "../image/merkle.ts";
import type { StoreOptions } from "./admission.ts";
import {
  type BoardConfig,
  configGeometry,
  configIdentity,
  configPolicy,
  readConfig,
} from "./board-config.ts";
import { type BoardLock, lockBoard } from "./board-lock.ts";
import { type BoardParts, boardParts } from "./board-parts.ts";
import { type BoardStatus, boardStatus } from "./board-status.ts";
import { BoardTargetStore } from "./board-target-store.ts";
import { attemptBoot, type BootOutcome, bootBoard, confirmBoot, type VerifiedImage } from "./boot.ts";
import { type DamageReport, damageSlot } from "./damage.ts";
import { installFrom } from "./install.ts";
import type { RunningBoard } from "./running-board.ts";

/** Bytes of one raw read. */
const RAW_STEP = 65_536;

/**
 * What to damage; see {@link damageSlot}. Defaults: the slot that boots, or the first; a random sector of its image.
 */
export interface BoardDamage {
  readonly slot?: number;
  readonly sector?: number;
  readonly bytes?: number;
  readonly isErase?: boolean;
}

/** The image that boots: its manifest and its bytes. */
export interface BootImage {
  readonly manifest: Manifest;
  readonly slot: number;
  /** Its blocks in order, up to the signed size. Each is verified again while it is read. */
  readonly blocks: Iterable<Uint8Array>;
}

/** How to open a board. */
export interface BoardOpenOptions {
  readonly write: boolean;
  /** The system to ask about devices; the running one unless given. */
  readonly system?: DeviceSystem;
  /** Takes warnings, such as of a file system that keeps no modes. */
  readonly warn?: (text: string) => void;
}

/**
 * Opens the board in `dir`. FailedError: `board-missing`, `board-damaged`, `board-version`, `board-busy`, `flash-…`, and
 * `writable-by-others` when others may write what decides which images it accepts: its folder, its configuration, its
 * keys, its flash unless that is a device node, or a folder on the way there.
 */
export function openBoard(dir: string, options: BoardOpenOptions): Board {
  const guard = new WriteGuard({ warn: options.warn });
  const config = readConfig(dir, guard);
  const policy = configPolicy(dir, config, guard);
  const lock = options.write ? lockBoard(dir) : undefined;
  let storage: FlashStorage | undefined;
  try {
    const map = flashMap(configGeometry(config));
    const mode = options.write ? "write" : "read";
    storage =
      typeof config.flash === "string"
        ? FileStorage.open(join(dir, config.flash), map.size, mode, guard)
        : openDevice(options.system ?? linuxSystem, config.flash, map, mode, guard);
    const flash = new NorFlash(storage, map);
    return new Board(config, storage, flash, boardParts(configIdentity(config), policy, flash), lock);
  } catch (error) {
    storage?.close();
    lock?.release();
    throw error;
  }
}

/** A board in a folder. Methods that change it need it open for writing: UsageError `board-read-only`. */
export class Board {
  readonly config: BoardConfig;
  readonly flash: NorFlash;
  readonly parts: BoardParts;
  readonly #storage: FlashStorage;
  readonly #lock: BoardLock | undefined;

  constructor(
    config: BoardConfig,
    storage: FlashStorage,
    flash: NorFlash,
    parts: BoardParts,
    lock: BoardLock | undefined,
  ) {
    this.config = config;
    this.flash = flash;
    this.parts = parts;
    this.#storage = storage;
    this.#lock = lock;
    if (lock !== undefined) parts.record.repair();
  }

  get map(): FlashMap {
    return this.flash.map;
  }

  /** The state of the boot record. */
  record(): RecordState {
    return this.parts.record.state;
  }

  /** The boot decision. Reads and verifies everything at each call; changes nothing. */
  boot(): BootOutcome {
    return bootBoard(this.parts);
  }

  /** The boot decision as a boot loader takes it: counts a trial boot. */
  attempt(): BootOutcome {
    this.#mustWrite("count a boot");
    return attemptBoot(this.parts);
  }

  /** Confirms the image that boots. NotBootableError when none does. */
  confirm(): VerifiedImage {
    this.#mustWrite("confirm");
    const image = confirmBoot(this.parts);
    this.flash.sync();
    return image;
  }

  /** The status of the board. Verifies the slots. */
  status(): BoardStatus {
    return boardStatus(this.parts);
  }

  /** The image that boots. NotBootableError `board-not-bootable` when none does. */
  readImage(): BootImage {
    const outcome = this.boot();
    if (outcome.tag === "recovery") {
      const message = `The board does not boot (${outcome.reason}); there is no image to read. A raw read of a slot always works.`;
      throw new NotBootableError("board-not-bootable", message, { reason: outcome.reason });
    }
    const { image } = outcome;
    return { manifest: image.manifest, slot: outcome.slot, blocks: this.#imageBlocks(image) };
  }

  /** The bytes of a slot as they are, up to the largest size of an image. UsageError `board-slot`. */
  readRaw(slot: number): Iterable<Uint8Array> {
    const region = this.map.slots[slot];
    if (region === undefined) {
      throw new UsageError(
        "board-slot",
        `There is no slot ${slot}: this board has ${this.map.slots.length}.`,
      );
    }
    return this.#rawBlocks(region.offset);
  }

  /**
   * Damages the board, past the rules of the flash. Always changes bytes. The errors are those of {@link damageSlot}.
   */
  damage(damage: BoardDamage, random: Random): DamageReport {
    this.#mustWrite("damage");
    const outcome = this.boot();
    const slot = damage.slot ?? (outcome.tag === "boot" ? outcome.slot : 0);
    const isBooting = outcome.tag === "boot" && outcome.slot === slot;
    const size = isBooting ? outcome.image.manifest.size : this.map.slotSize;
    const at = this.map.slots[slot]?.offset ?? 0;
    const { first, last } = this.map.sectors.range(at, size);
    const sector = damage.sector ?? randomBelow(random, last - first + 1);
    const isErase = damage.isErase ?? false;
    const bytes = damage.bytes === undefined ? {} : { bytes: damage.bytes };
    return damageSlot(this.#storage, this.map, { slot, sector, isErase, ...bytes }, random);
  }

  /** The board as a target session works on it, and as a program that runs for long starts and confirms it. */
  store(options: StoreOptions = {}): RunningBoard {
    this.#mustWrite("receive");
    return new BoardTargetStore(this.parts, options);
  }

  /** Installs and confirms the factory image. RefusedError when the board's own rules refuse it. */
  installFactory(image: ImageSource): void {
    const store = this.store();
    const { outcome } = installFrom(store, image);
    store.close();
    if (outcome.tag === "not-bootable") {
      const message = `The factory image was written but does not boot: ${outcome.reason}`;
      throw new FailedError("board-install", message, { reason: outcome.reason });
    }
    this.confirm();
  }

  /**
   * Names the control socket of this process to those who find the board held (`lockHolder`), until it is closed.
   * UsageError `socket-path`; FailedError `board-lock`.
   */
  nameSocket(path: string): void {
    this.#mustWrite("name a socket");
    this.#lock?.setSocket(path);
  }

  /** Closes the flash and releases the lock. Idempotent. */
  close(): void {
    this.#storage.close();
    this.#lock?.release();
  }

  *#imageBlocks({ manifest, slot, leaves }: VerifiedImage): Iterable<Uint8Array> {
    const region = this.map.slots[slot];
    assert(region !== undefined, "the slot that boots exists");
    for (let i = 0; i < manifest.leafCount; i++) {
      const block = this.flash.read(region.offset + i * manifest.blockSize, blockLength(manifest, i));
      // The caller gets the verified bytes only, even if the file changed since.
      if (!equalBytes(leafHash(block), leaves.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH))) {
        throw new FailedError(
          "board-changed",
          `Block ${i} of slot ${slot} changed while it was read. Try again.`,
        );
      }
      yield block;
    }
  }

  *#rawBlocks(offset: number): Iterable<Uint8Array> {
    const { slotSize } = this.map;
    for (let at = 0; at < slotSize; at += RAW_STEP) {
      yield this.flash.read(offset + at, Math.min(RAW_STEP, slotSize - at));
    }
  }

  #mustWrite(what: string): void {
    if (this.#lock === undefined) {
      throw new UsageError("board-read-only", `Cannot ${what}: the board was opened for reading.`);
    }
  }
}
