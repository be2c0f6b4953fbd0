import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { toHex } from "../base/bytes.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { FileStorage } from "../flash/file-storage.ts";
import { type FlashGeometry, flashMap, geometryFault } from "../flash/geometry.ts";
import { errnoOf } from "../image/file-errors.ts";
import { formatHardware, type Hardware, REVISION_MAX } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import { loadTrustedKey } from "../image/keys.ts";
import type { ImageRole } from "../image/manifest.ts";
import { openBoard } from "./board.ts";
import { type BoardConfig, CONFIG_FILE, CONFIG_FORMAT, KEYS_FOLDER } from "./board-config.ts";

/** Name of the flash file within a board's folder. */
export const FLASH_FILE = "flash.bin";

/** What a new board is to be. */
export interface BoardInitOptions extends FlashGeometry {
  readonly hardware: Hardware;
  readonly revision: number;
  /** Public key files to copy into the board; with none, `allowUnsigned` has to be said. */
  readonly trust: readonly { readonly path: string; readonly roles: readonly ImageRole[] }[];
  readonly allowUnsigned: boolean;
  /** Installed as the confirmed factory image, if the board takes it. */
  readonly image?: ImageSource;
}

/**
 * Makes a board in `dir`, which must not exist or be empty: all of it, or nothing. UsageError `board-exists`,
 * `board-trust`, `board-geometry`, `board-revision` and those of key files; RefusedError when the image is refused.
 */
export function initBoard(dir: string, options: BoardInitOptions): void {
  checkOptions(dir, options);
  const target = resolve(dir);
  const draft = join(dirname(target), `.${basename(target)}.mayday-${process.pid}-${toHex(randomBytes(4))}`);
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(draft);
    fillBoard(draft, options);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (error instanceof MaydayError) throw error;
    const code = errnoOf(error);
    if (code === "ENOTEMPTY" || code === "EEXIST") throw exists(dir);
    throw new FailedError("board-not-made", `${dir}: cannot make the board (${code})`, { dir }, error);
  }
}

function checkOptions(dir: string, options: BoardInitOptions): void {
  if (options.trust.length === 0 && !options.allowUnsigned) {
    const message =
      "A board has to know which images to take: name a public key with --trust, or --allow-unsigned.";
    throw new UsageError("board-trust", message);
  }
  const fault = geometryFault(options);
  if (fault !== undefined) throw new UsageError("board-geometry", fault);
  const { revision } = options;
  if (!Number.isInteger(revision) || revision < 0 || revision > REVISION_MAX) {
    throw new UsageError("board-revision", `Hardware revision ${revision}: must be 0 to ${REVISION_MAX}`);
  }
  if (!isFreeFolder(dir)) throw exists(dir);
}

function isFreeFolder(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return true;
    if (code === "ENOTDIR") return false;
    throw new FailedError("board-not-made", `${dir}: cannot look into it (${code})`, { dir }, error);
  }
}

function fillBoard(draft: string, options: BoardInitOptions): void {
  const { hardware, revision, sectorSize, slotSize, layout, allowUnsigned } = options;
  mkdirSync(join(draft, KEYS_FOLDER));
  const trust = options.trust.map(({ path, roles }, i) => {
    loadTrustedKey(path, roles);
    const key = `trust-${i + 1}.pub`;
    copyFileSync(path, join(draft, KEYS_FOLDER, key));
    return { key, roles };
  });
  const map = flashMap(options);
  const storage = FileStorage.create(join(draft, FLASH_FILE), map.size, map.erasedByte);
  storage.sync();
  storage.close();
  const config: BoardConfig = {
    format: CONFIG_FORMAT,
    nodeId: toHex(randomBytes(8)),
    hardware: formatHardware(hardware),
    revision,
    sectorSize,
    slotSize,
    layout,
    ...(options.writeSize === undefined ? {} : { writeSize: options.writeSize }),
    ...(options.erasedByte === undefined ? {} : { erasedByte: options.erasedByte }),
    flash: FLASH_FILE,
    trust,
    // A board with trusted keys refuses unsigned images always.
    allowUnsigned: allowUnsigned && trust.length === 0,
    created: new Date().toISOString(),
  };
  writeFileSync(join(draft, CONFIG_FILE), `${JSON.stringify(config, undefined, 2)}\n`, {
    flag: "wx",
    flush: true,
  });
  const board = openBoard(draft, { write: true });
  try {
    if (options.image !== undefined) board.installFactory(options.image);
  } finally {
    board.close();
  }
}

function exists(dir: string): UsageError {
  return new UsageError("board-exists", `${dir} exists and is not an empty folder; choose another name`, {
    dir,
  });
}
