import { join } from "node:path";
import { WriteGuard } from "../files/write-guard.ts";
import { claimDevice } from "../flash/device/device-open.ts";
import { type DeviceSystem, linuxSystem } from "../flash/device/device-system.ts";
import { FileStorage } from "../flash/device/file-storage.ts";
import type { FlashDevice } from "../flash/device/flash-device.ts";
import { erasedBytes, type FlashGeometry, type FlashMap, flashMap } from "../flash/geometry.ts";
import { NorFlash } from "../flash/nor-flash.ts";
import { BootRecord } from "../flash/record/boot-record.ts";
import type { FlashStorage } from "../flash/storage.ts";
import type { Hardware } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { TrustedKey } from "../image/keys.ts";
import type { BoardConfig } from "./board-config.ts";
import { requireAccepted } from "./install.ts";
import { memoryBoard } from "./memory-board.ts";

/** Name of the flash file in a board's folder. */
export const FLASH_FILE = "flash.bin";

/** The erased flash of a new board. */
export interface FlashPlace {
  /** Its place, for the board's configuration. */
  readonly flash: BoardConfig["flash"];
  /** Call when the board was not made: removes a file that was made; a device stays as it is. */
  abandon(): void;
}

/** What {@link placeFlash} needs to know of a board. */
export interface PlacedBoard extends FlashGeometry {
  readonly device?: FlashDevice;
  readonly overwrite?: boolean;
  readonly system?: DeviceSystem;
  readonly warn?: (text: string) => void;
}

/** Makes the erased flash of a board whose folder is made in `draft`. The errors are those of `claimDevice`. */
export function placeFlash(draft: string, board: PlacedBoard): FlashPlace {
  const map = flashMap(board);
  if (board.device === undefined) {
    const storage = FileStorage.create(join(draft, FLASH_FILE), map.size, map.erasedByte);
    storage.sync();
    storage.close();
    return { flash: FLASH_FILE, abandon: () => {} };
  }
  const { device, overwrite = false, system = linuxSystem, warn } = board;
  const claimed = claimDevice(system, device, map, overwrite, new WriteGuard({ warn }));
  const { storage, facts } = claimed;
  try {
    storage.erase(0, map.size, map.erasedByte);
    const flash = new NorFlash(storage, map);
    flash.arm(...map.record);
    // An empty boot record: it marks the device as a board's.
    new BootRecord(flash).append({ tag: "floor", floor: 0 });
    storage.sync();
  } catch (error) {
    claimed.abandon();
    throw error;
  } finally {
    storage.close();
  }
  return { flash: { ...device, ...facts }, abandon: () => claimed.abandon() };
}

/**
 * Checks that the board to be made will accept its factory image, on an erased flash that does not exist, so that
 * nothing is erased for an image that is refused. RefusedError with the reason as code.
 */
export function checkFactoryImage(
  board: FlashGeometry & {
    readonly hardware: Hardware;
    readonly revision: number;
    readonly allowUnsigned: boolean;
    readonly image?: ImageSource;
  },
  nodeId: Uint8Array,
  keys: readonly TrustedKey[],
): void {
  if (board.image === undefined) return;
  const map = flashMap(board);
  const { hardware, revision, allowUnsigned } = board;
  const policy = { keys, allowUnsigned: allowUnsigned && keys.length === 0 };
  const identity = { nodeId, hardware, revision };
  const blank = memoryBoard({ geometry: board, identity, policy, storage: blankStorage(map) });
  requireAccepted(blank.store(), board.image.envelope);
}

/** An erased storage without memory, for reading only. */
function blankStorage(map: FlashMap): FlashStorage {
  return {
    size: map.size,
    read: (_offset, length) => erasedBytes(map, length),
    write: () => {},
    erase: () => {},
    sync: () => {},
    close: () => {},
  };
}
