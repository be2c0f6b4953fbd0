import { type FlashGeometry, flashMap } from "../flash/geometry.ts";
import { type Flash, type FlashOperation, NorFlash } from "../flash/nor-flash.ts";
import { type FlashStorage, MemoryStorage } from "../flash/storage.ts";
import type { TrustPolicy } from "../image/envelope.ts";
import type { StoreOptions } from "./admission.ts";
import { type BoardIdentity, type BoardParts, boardParts } from "./board-parts.ts";
import { BoardTargetStore } from "./board-target-store.ts";
import { type BootOutcome, bootBoard } from "./boot.ts";
import type { RunningBoard } from "./running-board.ts";

/** Options of a board in memory. */
export interface MemoryBoardOptions {
  readonly geometry: FlashGeometry;
  readonly identity: BoardIdentity;
  readonly policy: TrustPolicy;
  /** The storage of an earlier board, to power it up again. New and erased unless given. */
  readonly storage?: FlashStorage;
  /** Called before each operation that changes the flash. */
  readonly before?: (operation: FlashOperation) => void;
  /** Wraps the flash, in a fault injector for instance. */
  readonly wrap?: (flash: NorFlash) => Flash;
}

/** A board without files: for tests, simulation, and runtimes without files. */
export interface MemoryBoard {
  readonly parts: BoardParts;
  readonly storage: FlashStorage;
  /** The flash under all wrappers, with its counters. */
  readonly nor: NorFlash;
  boot(): BootOutcome;
  store(options?: StoreOptions): RunningBoard;
}

/** Powers up a board in memory. */
export function memoryBoard(options: MemoryBoardOptions): MemoryBoard {
  const map = flashMap(options.geometry);
  const storage = options.storage ?? new MemoryStorage(map.size, map.erasedByte);
  const nor = new NorFlash(storage, map, options.before);
  const flash = options.wrap === undefined ? nor : options.wrap(nor);
  const parts = boardParts(options.identity, options.policy, flash);
  return {
    parts,
    storage,
    nor,
    boot: () => bootBoard(parts),
    store: (storeOptions) => new BoardTargetStore(parts, storeOptions),
  };
}
