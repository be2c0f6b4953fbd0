import { execFileSync } from "node:child_process";
import { assert } from "../../base/assert.ts";
import { FailedError } from "../../base/errors.ts";
import { findOwnProgram } from "../../files/own-way.ts";
import type { FlashStorage } from "../storage.ts";
import { FileStorage } from "./file-storage.ts";

/** Longest time of one call of the eraser, in milliseconds: a NOR chip takes up to a few seconds a sector. */
const ERASE_LIMIT_MS = 3_600_000;
const CHECK_STEP = 1_048_576;

/** What a storage needs to know of an MTD device. */
export interface MtdRange {
  readonly path: string;
  /** In bytes, whole erase blocks. */
  readonly base: number;
  readonly size: number;
  readonly eraseSize: number;
  /** Program that erases: `flash_erase`. */
  readonly eraseTool: string;
}

/**
 * A range of an MTD device, which is a flash chip. Reads and programs through the descriptor that was checked.
 * Erasing needs an ioctl that Node does not have, so flash_erase of mtd-utils does it, on the same descriptor.
 * FailedError: `flash-io`, `flash-erase-tool`.
 */
export class MtdStorage implements FlashStorage {
  readonly size: number;
  readonly #range: MtdRange;
  readonly #file: FileStorage;
  readonly #fd: number;

  /** Takes over `fd`. The range must lie on the device. */
  constructor(fd: number, range: MtdRange) {
    assert(range.base % range.eraseSize === 0, `a range at ${range.base}, erased by ${range.eraseSize}`);
    this.#fd = fd;
    this.#range = range;
    this.size = range.size;
    this.#file = FileStorage.range(range.path, fd, range.base, range.size);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#file.read(offset, length);
  }

  /** Clears bits only: the chip cannot set them without an erase. */
  write(offset: number, bytes: Uint8Array): void {
    this.#file.write(offset, bytes);
  }

  erase(offset: number, size: number, erasedByte: number): void {
    const { base, eraseSize, eraseTool, path } = this.#range;
    const count = size / eraseSize;
    // flash_erase takes a count of 0 for all sectors to the end of the device.
    const isWhole = Number.isInteger(count) && count > 0 && Number.isInteger(offset / eraseSize);
    assert(isWhole && offset >= 0 && offset + size <= this.size, `erase ${size} bytes at ${offset}`);
    const program = findOwnProgram(eraseTool);
    if (program === undefined) throw noEraseTool(path, eraseTool);
    try {
      // The child gets the descriptor as number 3: this device is erased, whatever the path leads to now.
      execFileSync(program, ["-q", "/proc/self/fd/3", String(base + offset), String(count)], {
        stdio: ["ignore", "ignore", "pipe", this.#fd],
        timeout: ERASE_LIMIT_MS,
      });
    } catch (cause) {
      throw eraseError(path, eraseTool, cause);
    }
    this.#checkErased(offset, size, erasedByte);
  }

  /** Nothing to do: an MTD device has no cache (and refuses fsync). */
  sync(): void {}

  close(): void {
    this.#file.close();
  }

  /** flash_erase continues after a sector that could not be erased, and exits with 0. */
  #checkErased(offset: number, size: number, erasedByte: number): void {
    for (let at = offset; at < offset + size; at += CHECK_STEP) {
      const bytes = this.read(at, Math.min(CHECK_STEP, offset + size - at));
      const bad = bytes.findIndex((byte) => byte !== erasedByte);
      if (bad < 0) continue;
      const { path, base } = this.#range;
      const message = `${path}: byte ${base + at + bad} is not erased after flash_erase; the chip may be write protected (flash_unlock) or worn out`;
      throw new FailedError("flash-io", message, { path, offset: base + at + bad });
    }
  }
}

function noEraseTool(path: string, tool: string): FailedError {
  const message = `${tool} is needed to erase ${path}, and is in no folder of PATH that only root and you can change; fix: apt install mtd-utils`;
  return new FailedError("flash-erase-tool", message, { path });
}

function eraseError(path: string, tool: string, cause: unknown): FailedError {
  const { stderr } = cause as { readonly stderr?: Uint8Array };
  const told = Buffer.from(stderr ?? [])
    .toString("utf8")
    .trim()
    .slice(0, 300);
  const message = `${path}: ${tool} failed: ${told || String(cause)}`;
  return new FailedError("flash-io", message, { path }, cause);
}
