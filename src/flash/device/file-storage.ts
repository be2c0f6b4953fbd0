import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { assert } from "../../base/assert.ts";
import { FailedError } from "../../base/errors.ts";
import { errorWords, systemText } from "../../base/system-error.ts";
import { setMode } from "../../files/set-mode.ts";
import { WriteGuard } from "../../files/write-guard.ts";
import type { FlashStorage } from "../storage.ts";

const FILL_STEP = 1_048_576;
/** Mode of a flash in a file: what is in it decides what boots, together with the boot record. */
export const FLASH_MODE = 0o600;

/**
 * A storage in one file or block device, or a range of one, through one open descriptor. Never reads or writes
 * outside the range. FailedError: `flash-open`, `flash-size`, `flash-io`.
 */
export class FileStorage implements FlashStorage {
  readonly size: number;
  readonly #path: string;
  /** Offset of the range, in bytes. */
  readonly #base: number;
  #fd: number | undefined;

  private constructor(path: string, fd: number, size: number, base: number) {
    this.#path = path;
    this.#fd = fd;
    this.size = size;
    this.#base = base;
  }

  /** A storage of the `size` bytes from `base` of what `fd` is open on. The range must exist. Takes over `fd`. */
  static range(path: string, fd: number, base: number, size: number): FileStorage {
    assert(Number.isSafeInteger(base) && base >= 0 && size > 0, `a range of ${size} bytes at ${base}`);
    return new FileStorage(path, fd, size, base);
  }

  /**
   * Opens an existing file, which must be exactly `size` bytes long and pass the guard, before anything is written.
   */
  static open(
    path: string,
    size: number,
    mode: "read" | "write",
    guard: WriteGuard = new WriteGuard(),
  ): FileStorage {
    let fd: number;
    try {
      fd = openSync(path, mode === "write" ? "r+" : "r");
    } catch (cause) {
      throw new FailedError(
        "flash-open",
        `the flash ${path} cannot be opened: ${systemText(cause)}`,
        { path },
        cause,
      );
    }
    try {
      const stat = fstatSync(fd);
      if (stat.size !== size) {
        const message = `The flash ${path} is ${stat.size} bytes long, its board says ${size}`;
        throw new FailedError("flash-size", message, { path, seen: stat.size, expected: size });
      }
      guard.checkFile(path, stat);
      return new FileStorage(path, fd, size, 0);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * Creates a flash of `size` bytes, all of them `erasedByte`; the file must not exist. Its mode is 0600, whatever the
   * umask.
   */
  static create(path: string, size: number, erasedByte = 0xff): FileStorage {
    let fd: number;
    try {
      fd = openSync(path, "wx+", FLASH_MODE);
    } catch (cause) {
      throw new FailedError(
        "flash-open",
        `the flash ${path} cannot be made: ${systemText(cause)}`,
        { path },
        cause,
      );
    }
    const storage = new FileStorage(path, fd, size, 0);
    try {
      setMode(fd, FLASH_MODE);
      ftruncateSync(fd, size);
      storage.erase(0, size, erasedByte);
    } catch (cause) {
      closeSync(fd);
      throw cause instanceof FailedError ? cause : storage.#failure("create", 0, size, cause);
    }
    return storage;
  }

  read(offset: number, length: number): Uint8Array {
    this.#guard(offset, length);
    const out = new Uint8Array(length);
    const from = this.#base + offset;
    let done = 0;
    try {
      while (done < length) {
        const count = readSync(this.#open(), out, done, length - done, from + done);
        if (count === 0) throw new Error("the file ended early");
        done += count;
      }
    } catch (cause) {
      throw this.#failure("read", offset, length, cause);
    }
    return out;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#guard(offset, bytes.length);
    const from = this.#base + offset;
    let done = 0;
    try {
      while (done < bytes.length) {
        done += writeSync(this.#open(), bytes, done, bytes.length - done, from + done);
      }
    } catch (cause) {
      throw this.#failure("write", offset, bytes.length, cause);
    }
  }

  erase(offset: number, size: number, erasedByte: number): void {
    this.#guard(offset, size);
    const erased = new Uint8Array(Math.min(FILL_STEP, size)).fill(erasedByte);
    for (let at = 0; at < size; at += erased.length) {
      this.write(offset + at, erased.subarray(0, Math.min(erased.length, size - at)));
    }
  }

  sync(): void {
    try {
      fsyncSync(this.#open());
    } catch (cause) {
      throw this.#failure("sync", 0, this.size, cause);
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** A wrong range is a bug, and outside the range may be someone's file system. */
  #guard(offset: number, length: number): void {
    const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
    const isWithin = isWhole && offset >= 0 && length >= 0 && offset + length <= this.size;
    assert(isWithin, `${length} bytes at ${offset} of a flash of ${this.size}`);
  }

  #open(): number {
    assert(this.#fd !== undefined, "flash used after close");
    return this.#fd;
  }

  #failure(verb: string, offset: number, length: number, cause: unknown): FailedError {
    const message = `Cannot ${verb} ${length} bytes at ${offset} of the flash ${this.#path}: ${errorWords(cause)}`;
    return new FailedError("flash-io", message, { path: this.#path, offset, length }, cause);
  }
}
