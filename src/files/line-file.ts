import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncate,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  write,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { errnoOf } from "../base/errno.ts";
import { MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { replaceFileSync } from "./atomic-file.ts";
import { makeFolder, syncFolder } from "./durable-file.ts";
import { openLogFile } from "./log-file.ts";

/** Mode of the file: others may not read it. */
const MODE = 0o600;
/** Longest line that is read, in bytes; a longer one is skipped. */
export const FILE_LINE_MAX = 1_048_576;
const CHUNK = 1_048_576;
const NEWLINE = 10;

const closeAsync = promisify(close);
const fdatasyncAsync = promisify(fdatasync);
const ftruncateAsync = promisify(ftruncate);
const writeAsync = promisify(write) as (fd: number, bytes: Uint8Array) => Promise<{ bytesWritten: number }>;

/**
 * A file of lines that grows at its end, and of which a power cut loses no line that {@link append} has answered. The end of a
 * line that a power cut left is removed when the file is opened. It is never reached through a link.
 */
export class LineFile {
  readonly path: string;
  #fd: number;
  #size: number;
  #work: Promise<void> = Promise.resolve();

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  /** Opens a file, or makes it, with its folder. The errors are those of `LogFile.open`; others of the operating system pass through. */
  static open(path: string): LineFile {
    makeFolder(dirname(path), 0o700);
    const fd = openLogFile(path, MODE);
    try {
      const whole = wholeLines(path);
      if (whole < fstatSync(fd).size) {
        ftruncateSync(fd, whole);
        fsyncSync(fd);
      }
      syncFolder(dirname(path));
      return new LineFile(path, fd, whole);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends lines, each with its end, and resolves when they are on the disk. What comes meanwhile is written together by the
   * caller. Rejects with the error of the operating system; then nothing of it is left in the file.
   */
  append(lines: string): Promise<void> {
    return this.#inTurn(() => this.#append(Buffer.from(lines, "utf8")));
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const before = this.#size;
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await writeAsync(this.#fd, bytes.subarray(done));
        done += bytesWritten;
      }
      await fdatasyncAsync(this.#fd);
      this.#size = before + bytes.length;
    } catch (error) {
      // Half a line in the middle of the file would be one with the next.
      await ftruncateAsync(this.#fd, before);
      throw error;
    }
  }

  /** Replaces the whole content in one step. Rejects with the error of the operating system; then the file is what it was. */
  replace(content: string): Promise<void> {
    return this.#inTurn(async () => {
      replaceFileSync(this.path, content, MODE);
      await closeAsync(this.#fd);
      this.#fd = openLogFile(this.path, MODE);
      this.#size = fstatSync(this.#fd).size;
    });
  }

  /** Gives the file another name, which replaces what has it, and begins a new one. Errors as of {@link replace}. */
  rotate(name: string): Promise<void> {
    return this.#inTurn(async () => {
      renameSync(this.path, name);
      syncFolder(dirname(this.path));
      const before = this.#fd;
      this.#fd = openLogFile(this.path, MODE);
      this.#size = 0;
      await closeAsync(before);
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(work);
    this.#work = turn.catch(() => {});
    await turn;
  }

  async close(): Promise<void> {
    await this.#inTurn(() => closeAsync(this.#fd));
  }
}

/** Bytes up to the end of the last whole line. */
function wholeLines(path: string): number {
  let end = 0;
  readChunks(path, 0, (chunk, at) => {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last >= 0) end = at + last + 1;
  });
  return end;
}

/**
 * Calls `onLine` for each whole line of a file from byte `from` on, without its end; a line that begins before is left out. One
 * that is longer than {@link FILE_LINE_MAX} comes as undefined. Returns whether there is such a file. UsageError `lines-not-file` for a
 * folder, pipe or device; FailedError `lines-unreadable`.
 */
export function readLines(
  path: string,
  onLine: (line: string | undefined) => void,
  from: number = 0,
): boolean {
  const decoder = new TextDecoder();
  let rest: Uint8Array[] = [];
  let restLength = 0;
  let isPartial = from > 0;
  const take = (bytes: Uint8Array): void => {
    if (restLength <= FILE_LINE_MAX) rest.push(bytes.slice());
    restLength += bytes.length;
  };
  return readChunks(path, from, (chunk) => {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      take(chunk.subarray(at, end));
      if (!isPartial) onLine(restLength > FILE_LINE_MAX ? undefined : decoder.decode(Buffer.concat(rest)));
      isPartial = false;
      rest = [];
      restLength = 0;
      at = end + 1;
    }
    take(chunk.subarray(at));
  });
}

/** Bytes of a file; 0 if it is missing. */
export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether there is a file. Errors are those of {@link readLines}, and of `onChunk`. */
function readChunks(path: string, from: number, onChunk: (chunk: Uint8Array, at: number) => void): boolean {
  const fd = openPlain(path);
  if (fd === undefined) return false;
  try {
    const buffer = new Uint8Array(CHUNK);
    for (let at = from; ; ) {
      const length = readSync(fd, buffer, 0, CHUNK, at);
      if (length === 0) return true;
      onChunk(buffer.subarray(0, length), at);
      at += length;
    }
  } finally {
    closeSync(fd);
  }
}

/** Opens a plain file for reading; undefined if there is none. */
function openPlain(path: string): number | undefined {
  try {
    // Without O_NONBLOCK opening a named pipe would block until another process writes to it.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw new UsageError("lines-not-file", `${path} is a folder, pipe or device; a plain file is needed`, {
      path,
    });
  } catch (error) {
    if (error instanceof MaydayError) throw error;
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw systemError("lines-unreadable", `${path} cannot be read`, error, { path, errno });
  }
}
