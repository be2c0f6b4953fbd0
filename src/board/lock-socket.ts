import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { FailedError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { removeFileSync, replaceFileSync } from "../files/atomic-file.ts";
import { otherWriters } from "../files/rights.ts";

/** Name of the file beside a board's lock that names the holder's control socket. */
export const LOCK_SOCKET_FILE = "lock.socket";

/** Longest path of a socket, in bytes: what a system takes as a path. A client may reach a long one by a shorter name. */
export const NAMED_PATH_MAX = 4096;
/** Mode of the file: others may see it, and never write it. */
const SOCKET_FILE_MODE = 0o644;
/** Longest lock or socket file that is read, in bytes. */
const FILE_MAX = 8192;

/** The text of a small file, with its status. */
export interface PlainText {
  readonly text: string;
  readonly stat: Stats;
}

/**
 * Names the control socket of the process that holds a lock, in one step. `lock` is the lock's text, which the file repeats:
 * it counts for this holder alone. UsageError `socket-path`; FailedError `board-lock`.
 */
export function writeLockSocket(dir: string, lock: string, socket: string): void {
  const path = resolve(socket);
  if (socket === "" || !isSocketPath(path)) {
    const message = `A path of a socket has 1 to ${NAMED_PATH_MAX} bytes and no control characters; choose another one`;
    throw new UsageError("socket-path", message, { bytes: Buffer.byteLength(path) });
  }
  const file = join(dir, LOCK_SOCKET_FILE);
  try {
    replaceFileSync(file, `${lock}${path}\n`, SOCKET_FILE_MODE);
  } catch (error) {
    if (error instanceof FailedError) throw error;
    throw systemError("board-lock", `${file} cannot be written`, error, { dir });
  }
}

/**
 * The absolute path of the socket that the holder of `lock` named; undefined when it named none, or the file is not of the
 * lock's owner, may be written by others, is a link, or is not right in every byte.
 */
export function readLockSocket(dir: string, lock: PlainText): string | undefined {
  const found = readPlainText(join(dir, LOCK_SOCKET_FILE));
  if (found === undefined || !found.text.startsWith(lock.text) || !found.text.endsWith("\n"))
    return undefined;
  if (found.stat.uid !== lock.stat.uid || otherWriters(found.stat) !== undefined) return undefined;
  const path = found.text.slice(lock.text.length, -1);
  return isAbsolute(path) && isSocketPath(path) ? path : undefined;
}

/** Removes what names a socket, by whomever it was written: only the holder of the lock may. What cannot be removed stays. */
export function removeLockSocket(dir: string): void {
  try {
    const path = join(dir, LOCK_SOCKET_FILE);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) removeFileSync(path);
  } catch {
    // It counts for no other holder.
  }
}

/** Reads a plain file that is no link; undefined when there is none, it is too long, or may not be read. */
export function readPlainText(path: string): PlainText | undefined {
  let fd: number | undefined;
  try {
    // Without O_NONBLOCK opening a named pipe would block until another process writes to it.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > FILE_MAX) return undefined;
    return { text: readFileSync(fd, "utf8"), stat };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function isSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= NAMED_PATH_MAX && !/\p{Cc}|\uFFFD/u.test(path);
}
