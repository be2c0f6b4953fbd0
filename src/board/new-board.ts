import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { toHex } from "../base/bytes.ts";
import { errnoOf } from "../base/errno.ts";
import { MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { syncFolder, writeNewFile } from "../files/durable-file.ts";
import { type DraftContent, FolderDraft, isFreeFolder } from "../files/folder-draft.ts";
import { writeLinkKey } from "../files/link-key-file.ts";
import { setMode } from "../files/set-mode.ts";
import { WriteGuard } from "../files/write-guard.ts";
import type { DeviceSystem } from "../flash/device/device-system.ts";
import type { FlashDevice } from "../flash/device/flash-device.ts";
import { type FlashGeometry, geometryFault } from "../flash/geometry.ts";
import { formatHardware, type Hardware, REVISION_MAX } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { KeyLimits, TrustedKey } from "../image/keys.ts";
import type { ImageRole } from "../image/manifest.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import { loadTrustedKeys, publicKeyPem } from "../image-files/pem-keys.ts";
import { openBoard } from "./board.ts";
import {
  type BoardConfig,
  CONFIG_FILE,
  CONFIG_FORMAT,
  configGeometry,
  configText,
  KEYS_FOLDER,
  knownLimits,
  LINK_KEY_FILE,
} from "./board-config.ts";
import { checkFactoryImage, FLASH_FILE, type FlashPlace, placeFlash } from "./board-flash.ts";

/** Options of a new board. */
export interface BoardInitOptions extends FlashGeometry {
  readonly hardware: Hardware;
  readonly revision: number;
  /** Files with public keys, all of which the board trusts. Without any, `allowUnsigned` must be set. */
  readonly trust: readonly (KeyLimits & { readonly path: string; readonly roles: readonly ImageRole[] })[];
  readonly allowUnsigned: boolean;
  /** The board's link key, 16 to 1024 bytes (`readLinkKey`). */
  readonly linkKey?: Uint8Array | undefined;
  /** Installed and confirmed as the factory image, if the board accepts it. */
  readonly image?: ImageSource;
  /** Where the flash will be; a file in the board's folder unless given. */
  readonly device?: FlashDevice;
  /** Erase `device` even if it is not free. */
  readonly overwrite?: boolean;
  /** The system to ask about devices; the running one unless given. */
  readonly system?: DeviceSystem;
  /** Takes warnings, such as of a file system that keeps no modes. */
  readonly warn?: (text: string) => void;
}

/** Modes of a board's folders and of its files without secrets, whatever the umask. */
const PRIVATE_FOLDER = 0o700;
const PUBLIC_FILE = 0o644;

/** What a board's folder gets. */
const CONTENT: DraftContent = { last: CONFIG_FILE, others: [KEYS_FOLDER, FLASH_FILE], mode: PRIVATE_FOLDER };

/**
 * Makes a board in `dir`, which must not exist or be empty (but for what systems put into a folder): completely or not at all, and
 * writable by its owner only, whatever the umask. A folder that exists stays the same one, such as the current folder, a mount point or
 * what a link leads to. Writes nothing before the image is accepted and all checks of the device have passed. UsageError
 * `board-exists`, `board-trust`, `board-geometry`, `board-revision`, those of key files and of `claimDevice`;
 * RefusedError when the image is refused; FailedError `writable-by-others` where others may write a key or exchange the
 * board, `foreign-link` (`OpenFolder`), `folder-busy`.
 */
export function initBoard(dir: string, options: BoardInitOptions): void {
  checkOptions(dir, options);
  const guard = new WriteGuard({ warn: options.warn });
  const keys = options.trust.flatMap(({ path, roles, maxCounter, maxStep }): GivenKey[] => {
    const limits = knownLimits({ maxCounter, maxStep });
    return loadTrustedKeys(path, roles, guard).map((key) => ({ roles, limits, key: { ...key, ...limits } }));
  });
  const nodeId = randomBytes(8);
  if (options.image !== undefined)
    checkFactoryImage(
      options,
      nodeId,
      keys.map(({ key }) => key),
    );
  try {
    make(resolve(dir), options, { nodeId: toHex(nodeId), keys });
  } catch (error) {
    if (error instanceof MaydayError) throw error;
    const code = errnoOf(error);
    if (code === "ENOTEMPTY" || code === "EEXIST") throw exists(dir);
    throw systemError("board-not-made", `${dir}: the board cannot be made`, error, { dir });
  }
}

/** Makes the board under another name, and gives it its own when it is whole. */
function make(
  target: string,
  options: BoardInitOptions,
  made: Pick<BoardConfig, "nodeId"> & { readonly keys: readonly GivenKey[] },
): void {
  const draft = FolderDraft.begin(target, CONTENT);
  let place: FlashPlace | undefined;
  try {
    new WriteGuard({ warn: options.warn }).checkFile(draft.path, statSync(draft.folder.itself));
    place = placeFlash(draft.path, options);
    fillBoard(draft.path, options, made.keys, { nodeId: made.nodeId, flash: place.flash });
    draft.publish();
  } catch (error) {
    place?.abandon();
    draft.abandon();
    throw error;
  } finally {
    draft.close();
  }
}

/** A key as it was read when the board was made. */
interface GivenKey {
  readonly roles: readonly ImageRole[];
  readonly limits: KeyLimits;
  readonly key: TrustedKey;
}

function checkOptions(dir: string, options: BoardInitOptions): void {
  if (options.trust.length === 0 && !options.allowUnsigned) {
    const message =
      "a board must know which images to accept: give it a public key to trust, or allow unsigned images";
    throw new UsageError("board-trust", message);
  }
  const fault = geometryFault(options);
  if (fault !== undefined) throw new UsageError("board-geometry", fault);
  const { revision } = options;
  if (!Number.isInteger(revision) || revision < 0 || revision > REVISION_MAX) {
    throw new UsageError("board-revision", `Hardware revision ${revision}: must be 0 to ${REVISION_MAX}`);
  }
  if (dir === "") {
    throw new UsageError(
      "board-exists",
      "the board's folder has no name; give one, or . for the current folder",
    );
  }
  if (!isFree(dir)) throw exists(dir);
}

function isFree(dir: string): boolean {
  try {
    // A link that leads nowhere is something that is there.
    const isThere = lstatSync(resolve(dir), { throwIfNoEntry: false }) !== undefined;
    return isFreeFolder(resolve(dir), CONTENT) && (!isThere || statSync(dir).isDirectory());
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOTDIR" || code === "ENOENT") return false;
    throw systemError("board-not-made", `${dir}: the board cannot be made`, error, { dir });
  }
}

function fillBoard(
  draft: string,
  options: BoardInitOptions,
  keys: readonly GivenKey[],
  made: Pick<BoardConfig, "nodeId" | "flash">,
): void {
  const { hardware, revision, allowUnsigned } = options;
  const folder = join(draft, KEYS_FOLDER);
  mkdirSync(folder, PRIVATE_FOLDER);
  setMode(folder, PRIVATE_FOLDER);
  const trust = keys.map(({ key: { publicKey }, roles, limits }, i) => {
    const key = `trust-${i + 1}.pub`;
    // Made of the key that was checked: nothing else that the file holds gets into the board.
    writeNewFile(join(folder, key), encodeUtf8(publicKeyPem(publicKey)), PUBLIC_FILE);
    return { key, roles, ...limits };
  });
  if (options.linkKey !== undefined) writeLinkKey(join(folder, LINK_KEY_FILE), options.linkKey);
  syncFolder(folder);
  const config: BoardConfig = {
    format: CONFIG_FORMAT,
    nodeId: made.nodeId,
    hardware: formatHardware(hardware),
    revision,
    ...configGeometry(options),
    flash: made.flash,
    trust,
    // A board with trusted keys always refuses unsigned images.
    allowUnsigned: allowUnsigned && trust.length === 0,
    // Left out where there is none, as before there were link keys.
    ...(options.linkKey === undefined ? {} : { linkKey: LINK_KEY_FILE }),
    created: new Date().toISOString(),
  };
  writeNewFile(join(draft, CONFIG_FILE), configText(config), PUBLIC_FILE);
  const { system, warn } = options;
  const board = openBoard(draft, {
    write: true,
    ...(system === undefined ? {} : { system }),
    ...(warn === undefined ? {} : { warn }),
  });
  try {
    if (options.image !== undefined) board.installFactory(options.image);
  } finally {
    board.close();
  }
  syncFolder(draft);
}

function exists(dir: string): UsageError {
  return new UsageError("board-exists", `${dir} exists and is not an empty folder; choose another name`, {
    dir,
  });
}
