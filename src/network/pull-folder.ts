import { readdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { replaceFileSync } from "../files/atomic-file.ts";
import { type FolderLock, lockFolder } from "../files/folder-lock.ts";
import { OpenFolder } from "../files/open-folder.ts";
import { PartFile, removeOwnFiles } from "../files/part-file.ts";
import { readWholeFile } from "../files/whole-file.ts";
import { type DirectoryRepository, openDirectoryRepository } from "../image-files/directory-repository.ts";
import { IMAGE_EXTENSION } from "../image-files/folder-listing.ts";
import { INDEX_BYTES_MAX } from "./index-format.ts";
import { decodeState, encodeState, type PullState, STATE_BYTES_MAX } from "./pull-state.ts";

const STATE_NAME = ".mayday-pull.json";
const INDEX_NAME_HERE = ".mayday-pull-index.json";
const PART = /^\.mayday-pull-([0-9a-f]{64})\.part$/;
/** Others may read images and what is known of them, as far as the folder lets them. */
const MODE = 0o644;

/** A repository folder that a pull puts images into. One process at a time pulls into a folder. Close it. */
export class PullFolder {
  readonly repository: DirectoryRepository;
  readonly #dir: string;
  readonly #folder: OpenFolder;
  readonly #lock: FolderLock;

  private constructor(repository: DirectoryRepository, folder: OpenFolder, lock: FolderLock) {
    this.repository = repository;
    this.#dir = repository.dir;
    this.#folder = folder;
    this.#lock = lock;
  }

  /** Opens a folder, or makes it. FailedError `pull-busy`, `no-flock`; the other errors are those of `openDirectoryRepository`. */
  static async open(dir: string): Promise<PullFolder> {
    const repository = await openDirectoryRepository(dir, { create: true });
    const lock = lockFolder(dir);
    if (lock === undefined) {
      const message = `${dir}: another process pulls images into it, such as a node with [network]; let it end, or stop it`;
      throw new FailedError("pull-busy", message, { dir });
    }
    try {
      return new PullFolder(repository, OpenFolder.open(dir), lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** What the last pull left: undefined when there was none, "damaged" when it cannot be read. */
  readState(): PullState | "damaged" | undefined {
    const bytes = this.#read(STATE_NAME, STATE_BYTES_MAX);
    return bytes instanceof Uint8Array ? (decodeState(bytes) ?? "damaged") : bytes;
  }

  writeState(state: PullState): void {
    this.#write(STATE_NAME, encodeState(state));
  }

  /** The bytes of the index that was used last; undefined when they are not there. */
  readIndex(): Uint8Array | undefined {
    const bytes = this.#read(INDEX_NAME_HERE, INDEX_BYTES_MAX);
    return bytes instanceof Uint8Array ? bytes : undefined;
  }

  writeIndex(bytes: Uint8Array): void {
    this.#write(INDEX_NAME_HERE, Buffer.from(bytes).toString("utf8"));
  }

  /** The part of an image that is there. */
  async openPart(digest: string): Promise<PartFile> {
    return await PartFile.open(this.#folder, partName(digest));
  }

  /** Bytes of an image that are there in part. */
  partSize(digest: string): number {
    return Number(this.#folder.look(partName(digest))?.size ?? 0);
  }

  /** Puts a part that is whole among the images. */
  async putInPlace(part: PartFile, digest: string): Promise<string> {
    const name = `${digest}${IMAGE_EXTENSION}`;
    await part.putInPlace(name, MODE);
    return name;
  }

  /** Removes the parts of all images but these. */
  removeParts(wanted: ReadonlySet<string>): void {
    const names = readdirSync(this.#folder.itself).filter((name) => {
      const [, digest] = PART.exec(name) ?? [];
      return digest !== undefined && !wanted.has(digest);
    });
    removeOwnFiles(this.#folder, names);
  }

  /** Bytes that are free for this process's user. */
  room(): number {
    const { bavail, bsize } = statfsSync(this.#folder.itself);
    return bavail * bsize;
  }

  /** May be called once. */
  async close(): Promise<void> {
    this.#folder.close();
    this.#lock.release();
    await this.repository.close();
  }

  #read(name: string, sizeMax: number): Uint8Array | "damaged" | undefined {
    try {
      const found = readWholeFile(join(this.#folder.itself, name), sizeMax);
      return found.tag === "file" ? found.bytes : "damaged";
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw systemError("pull-state", `${join(this.#dir, name)} cannot be read`, error, { dir: this.#dir });
    }
  }

  #write(name: string, text: string): void {
    try {
      replaceFileSync(join(this.#dir, name), text, MODE);
    } catch (error) {
      throw systemError("pull-state", `${join(this.#dir, name)} cannot be written`, error, {
        dir: this.#dir,
      });
    }
  }
}

function partName(digest: string): string {
  return `.mayday-pull-${digest}.part`;
}
