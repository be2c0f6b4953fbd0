import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { keyAt } from "./file-content.ts";
import { OpenFolder } from "./open-folder.ts";
import { ownUid } from "./rights.ts";

/** Mode of a new log, less the umask: the group may read it. */
const LOG_MODE = 0o640;

/** A file that lines are appended to, as long as the process runs. */
export class LogFile {
  readonly path: string;
  #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens a log, or makes it. It is never emptied, and never reached through a link: UsageError `log-folder-missing`,
   * `log-not-file`, `log-is-key`; FailedError `log-foreign` when it belongs to another user or has a second name, under which somebody
   * may have put it there, `log-not-opened`, `foreign-link` (`OpenFolder`).
   */
  static open(path: string): LogFile {
    return new LogFile(path, openLogFile(path));
  }

  /** Opens the file of its name again, after logrotate gave it another one. With the errors of {@link open}: the old one stays. */
  reopen(): void {
    const fd = openLogFile(this.path);
    closeSync(this.#fd);
    this.#fd = fd;
  }

  /** Appends a line. Errors of the operating system pass through. */
  append(line: string): void {
    writeSync(this.#fd, line);
  }
}

function refuseKey(path: string): void {
  const key = keyAt(path);
  if (key === undefined) return;
  const message = `${path} holds ${key.name}, to which no log is appended; name a new file`;
  throw new UsageError("log-is-key", message, { path, form: key.id });
}

/** Opens a file for appending with the checks, and the errors, of {@link LogFile.open}; `mode`: of a new one, less the umask. */
export function openLogFile(path: string, mode: number = LOG_MODE): number {
  try {
    refuseKey(path);
    const fd = openIn(dirname(resolve(path)), basename(path), mode);
    try {
      checkLog(path, fd);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } catch (error) {
    throw openError(path, error);
  }
}

function openIn(dir: string, name: string, mode: number): number {
  const folder = OpenFolder.open(dir);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    // Without O_NONBLOCK opening a named pipe would block until another process reads it.
    return openSync(folder.at(name), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode);
  } finally {
    folder.close();
  }
}

function checkLog(path: string, fd: number): void {
  const { uid, nlink, ...stat } = fstatSync(fd);
  if ((stat.mode & constants.S_IFMT) !== constants.S_IFREG) throw notFile(path);
  if (uid === ownUid() && nlink === 1) return;
  const seen = uid === ownUid() ? `it has ${nlink} names` : `user ${uid} owns it`;
  const message = `${path} is not used as a log: ${seen}, so that others may have put it there; fix: name a new file`;
  throw new FailedError("log-foreign", message, { path, uid, nlink });
}

function openError(path: string, error: unknown): unknown {
  if (error instanceof MaydayError) return error;
  const errno = errnoOf(error);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    const message = `${path}: its folder does not exist`;
    return new UsageError("log-folder-missing", message, { path }, error);
  }
  // A link, a folder, a pipe that nobody reads.
  if (errno === "ELOOP" || errno === "EISDIR" || errno === "ENXIO") return notFile(path, error);
  return systemError("log-not-opened", `${path} cannot be written`, error, { path, errno });
}

function notFile(path: string, cause?: unknown): UsageError {
  const message = `${path} is a link, folder, pipe or device; a log is a plain file: choose another name`;
  return new UsageError("log-not-file", message, { path }, cause);
}
