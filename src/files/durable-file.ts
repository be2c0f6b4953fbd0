import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { type FileId, removeIfSame } from "./same-file.ts";
import { setMode } from "./set-mode.ts";

/** Mode of folders for everybody to read; the umask may take more away. */
const SHARED_FOLDER = 0o755;

/** Makes what was created, renamed or removed in `folder` survive a power cut, where the file system can do so. */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows and some network file systems cannot sync a folder.
  }
}

/**
 * Makes a folder and its parents so that they survive a power cut. Others may never write them, and `mode` may keep
 * them out altogether. Returns the folders that it made, outermost first. Errors of the operating system pass through.
 */
export function makeFolder(dir: string, mode: number = SHARED_FOLDER): readonly string[] {
  const path = resolve(dir);
  // Node's own way to make parents never returns where a file system refuses with ENOENT, such as /proc.
  const missing: string[] = [];
  for (let at = path; !isThere(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    makeOne(folder, mode);
    syncFolder(dirname(folder));
  }
  if (!statSync(path).isDirectory()) {
    throw Object.assign(new Error(`EEXIST: ${dir}`), { code: "EEXIST", path: dir });
  }
  return missing;
}

/**
 * Writes a file that must not exist, and flushes it to the disk; its name is durable after {@link syncFolder}. It has
 * this mode, whatever the umask. A failure leaves nothing behind.
 */
export function writeNewFile(path: string, content: string | Uint8Array, mode: number): FileId {
  // Follows no link, and is nobody else's before it has its mode.
  const fd = openSync(path, "wx", mode & 0o700);
  try {
    setMode(fd, mode);
    writeFileSync(fd, content);
    fsyncSync(fd);
    return fstatSync(fd, { bigint: true });
  } catch (error) {
    removeIfSame(path, fstatSync(fd, { bigint: true }));
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Another process may make it at the same time. */
function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
