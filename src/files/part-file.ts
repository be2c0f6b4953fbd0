import { constants, renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import type { OpenFolder } from "./open-folder.ts";
import { readFully } from "./regular-file.ts";
import { ownUid } from "./rights.ts";
import { removeIfSame } from "./same-file.ts";
import { setMode } from "./set-mode.ts";

/** Mode of a file that is not whole yet. */
const PART_MODE = 0o600;

/**
 * A file that is written in pieces, maybe by several processes one after another, and then gets its name in one step. What a killed
 * process or a power cut left in it is not trusted: the caller reads it again. Close it.
 */
export class PartFile {
  readonly #folder: OpenFolder;
  readonly #name: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(folder: OpenFolder, name: string, handle: FileHandle, size: number) {
    this.#folder = folder;
    this.#name = name;
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Opens the file `name` of a folder, or makes it. One that is not a plain file of this process's user with one name is
   * removed first. Errors of the operating system pass through.
   */
  static async open(folder: OpenFolder, name: string): Promise<PartFile> {
    const found = folder.look(name);
    const isOurs = found?.isFile() === true && Number(found.uid) === ownUid() && Number(found.nlink) === 1;
    if (found !== undefined && !isOurs) unlinkSync(folder.at(name));
    const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    const handle = await open(folder.at(name), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, PART_MODE);
    const { size } = await handle.stat();
    return new PartFile(folder, name, handle, size);
  }

  /** Bytes in it. */
  get size(): number {
    return this.#size;
  }

  get handle(): FileHandle {
    return this.#handle;
  }

  /** Writes all of `bytes` behind what is there. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#size + at);
      at += bytesWritten;
    }
    this.#size += bytes.length;
  }

  /** Fills `buffer` from `position`, as far as there are bytes. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    return await readFully(this.#handle, buffer, position);
  }

  /** Cuts the file to this size. */
  async cut(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#size = size;
  }

  /** Syncs the file and gives it its name and mode, in the place of what has this name. */
  async putInPlace(name: string, mode: number): Promise<void> {
    setMode(this.#handle.fd, mode);
    await this.#handle.sync();
    const { ino, dev } = await this.#handle.stat({ bigint: true });
    const now = this.#folder.look(this.#name);
    if (now?.ino !== ino || now.dev !== dev) {
      throw new FailedError(
        "file-changed",
        `${this.#folder.path}/${this.#name} was replaced meanwhile; try again`,
      );
    }
    renameSync(this.#folder.at(this.#name), this.#folder.at(name));
    this.#folder.sync();
  }

  async remove(): Promise<void> {
    removeIfSame(this.#folder.at(this.#name), await this.#handle.stat({ bigint: true }));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Removes files of this process's user in a folder. What cannot be removed stays. */
export function removeOwnFiles(folder: OpenFolder, names: readonly string[]): void {
  for (const name of names) {
    try {
      const found = folder.look(name);
      if (found?.isFile() === true && Number(found.uid) === ownUid()) unlinkSync(folder.at(name));
    } catch (error) {
      if (errnoOf(error) === "unknown error") throw error;
    }
  }
}
