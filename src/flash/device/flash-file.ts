import { closeSync, constants, fstatSync, ftruncateSync, openSync } from "node:fs";
import { FailedError, MaydayError, UsageError } from "../../base/errors.ts";
import { errorWords, systemText } from "../../base/system-error.ts";
import { type FileId, removeIfSame } from "../../files/same-file.ts";
import { setMode } from "../../files/set-mode.ts";
import type { WriteGuard } from "../../files/write-guard.ts";
import type { DeviceSystem } from "./device-system.ts";
import { FLASH_MODE } from "./file-storage.ts";

/** A file that was made for a flash, or was empty. */
export interface FlashFile {
  readonly fd: number;
  /** Makes it empty again, and removes it if it was made. What got its name meanwhile stays as it is. */
  undo(): void;
}

/**
 * Makes the file at `path`, where nothing or an empty file is, `length` bytes long. A new one has mode 0600, whatever
 * the umask. UsageError `flash-kind`, `flash-not-empty`; FailedError `flash-open`, `flash-io`, `writable-by-others`.
 */
export function makeFlashFile(
  system: DeviceSystem,
  path: string,
  length: number,
  guard: WriteGuard,
): FlashFile {
  const before = system.look(path);
  const fd = openFree(path, before === undefined);
  const file = fstatSync(fd, { bigint: true });
  let isFree = false;
  const undo = (): void => {
    if (isFree) emptyIfSame(path, file);
    // Another process may have written to a new file before it was found free.
    const isEmpty = isFree || fstatSync(fd).size === 0;
    if (before === undefined && isEmpty) removeIfSame(path, file);
  };
  try {
    if (before === undefined) setMode(fd, FLASH_MODE);
    if (system.lookAt(fd).size > 0) throw notEmpty(path, "another process has written to it");
    guard.checkFile(path, fstatSync(fd));
    isFree = true;
    ftruncateSync(fd, length);
    // Files in /proc and the like look empty, and stay empty.
    if (system.lookAt(fd).size !== length) {
      throw new UsageError(
        "flash-kind",
        `${path} cannot be made ${length} bytes long: it is not a plain file`,
      );
    }
    return { fd, undo };
  } catch (cause) {
    undo();
    closeSync(fd);
    if (cause instanceof MaydayError) throw cause;
    const what = `the flash ${path} cannot be made ${length} bytes long`;
    throw new FailedError("flash-io", `${what}: ${errorWords(cause)}`, { path }, cause);
  }
}

/** The error for a place that holds something. */
export function notEmpty(path: string, what: string): UsageError {
  const message = `${path} is not free: ${what}. Nothing was written`;
  return new UsageError("flash-not-empty", message, { path });
}

function openFree(path: string, isNew: boolean): number {
  try {
    // A new one follows no link, not even to nowhere.
    return openSync(path, isNew ? "wx+" : "r+", FLASH_MODE);
  } catch (cause) {
    throw new FailedError(
      "flash-open",
      `the flash ${path} cannot be made: ${systemText(cause)}`,
      { path },
      cause,
    );
  }
}

/** The storage may be closed by now, so that the file is opened again, and looked at before it is changed. */
function emptyIfSame(path: string, file: FileId): void {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const now = fstatSync(fd, { bigint: true });
      if (now.dev === file.dev && now.ino === file.ino) ftruncateSync(fd, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // It is gone, or stays as it is: the error that led here says more.
  }
}
