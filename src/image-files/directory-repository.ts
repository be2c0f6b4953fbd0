import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { equalBytes, toHex } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { makeFolder } from "../files/durable-file.ts";
import { fileStamp } from "../files/file-stamp.ts";
import { OpenFolder } from "../files/open-folder.ts";
import { clearStaleTempsIn } from "../files/stale-temps.ts";
import { formatHardware, type Hardware } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import { COUNTER_STEP_MAX, COUNTER_USUAL_MAX, type Manifest } from "../image/manifest.ts";
import {
  chooseImage,
  hardwareAmong,
  type ImageChoice,
  noSuchImage,
  type PickCriteria,
  type Repository,
} from "../image/repository.ts";
import {
  FolderListing,
  folderError,
  folderNames,
  IMAGE_EXTENSION,
  type RepositoryListing,
  type StoredEntry,
} from "./folder-listing.ts";
import { writeImageFile } from "./image-build.ts";
import { ImageFile, openImageFile } from "./image-file.ts";
import { OpenImages } from "./open-images.ts";

/** Fewest digits of a digest that `remove` takes as a name. */
const PREFIX_MIN = 4;
/** Digits of a digest that people see. */
const SHORT_DIGITS = 8;

/** `kept`: the same image was there already, with the same signature, or signed where the new one is not. */
export interface AddOutcome {
  readonly tag: "added" | "replaced" | "kept";
  readonly entry: StoredEntry;
}

/**
 * Opens the repository in `dir` and clears temporary files whose writer is gone. With `create` a missing folder is
 * made. UsageError `repo-missing`, `repo-not-folder`.
 */
export async function openDirectoryRepository(
  dir: string,
  options: { readonly create?: boolean } = {},
): Promise<DirectoryRepository> {
  try {
    if (options.create === true) makeFolder(dir);
  } catch (error) {
    throw folderError(dir, error);
  }
  await folderNames(dir);
  // On read-only storage they stay, which does no harm.
  clearStaleTempsIn(dir);
  return new DirectoryRepository(dir);
}

/**
 * Images as files `<digest>.mdy` in one folder, local or on network storage. Made by {@link openDirectoryRepository}.
 */
export class DirectoryRepository implements Repository {
  readonly dir: string;
  readonly #listing: FolderListing;
  readonly #open: OpenImages = new OpenImages();

  constructor(dir: string) {
    this.dir = dir;
    this.#listing = new FolderListing(dir, systemClock);
  }

  /** Reads headers and manifests. A bad file is skipped. Only {@link verify} and {@link open} hash the data. */
  list(): Promise<RepositoryListing> {
    return this.#listing.read();
  }

  /** May not know of a file that was changed in place in the last second. */
  async pick(criteria: PickCriteria): Promise<ImageChoice<StoredEntry>> {
    return chooseImage((await this.#listing.recent()).images, criteria);
  }

  hardwareOf(id: Uint8Array): Hardware | undefined {
    return hardwareAmong(this.#listing.known(), id);
  }

  /** The file is hashed once for as long as it is the same; several uses share it. */
  async open(digest: Uint8Array): Promise<ImageSource> {
    const isIt = (image: StoredEntry): boolean => equalBytes(image.digest, digest);
    const entry = (await this.#listing.recent()).images.find(isIt) ?? (await this.list()).images.find(isIt);
    if (entry === undefined) throw noSuchImage(toHex(digest), this.dir);
    try {
      return await this.#openChecked(entry, (path) => this.#open.use(path));
    } catch (error) {
      this.#listing.forgetRecent();
      throw error;
    }
  }

  async release(image: ImageSource): Promise<void> {
    if (image instanceof ImageFile) await this.#open.release(image);
  }

  async close(): Promise<void> {
    await this.#open.close();
  }

  /**
   * Copies an image file into the repository and verifies its hashes. It appears under its digest in one step. With
   * `isChecked`, a security counter that looks like a typing error is refused. UsageError `counter-step`,
   * `counter-large`; the other errors are those of `openImageFile` and `writeAtomically`.
   */
  async add(path: string, { isChecked = false }: { readonly isChecked?: boolean } = {}): Promise<AddOutcome> {
    const image = await openImageFile(path);
    try {
      const { manifest, digest, isSigned, keyId } = image;
      const entry = { manifest, digest, isSigned, keyId, fileName: toHex(digest) + IMAGE_EXTENSION };
      const present = await openImageFile(join(this.dir, entry.fileName)).catch(() => undefined);
      await present?.close();
      const isSame = present !== undefined && equalBytes(present.digest, digest);
      if (isSame && (equalBytes(present.envelope, image.envelope) || !isSigned)) {
        return { tag: "kept", entry: { ...entry, isSigned: present.isSigned, keyId: present.keyId } };
      }
      if (isChecked && !isSame) checkCounter(path, manifest, (await this.list()).images);
      await writeImageFile(image, join(this.dir, entry.fileName));
      this.#listing.forget(entry.fileName);
      return { tag: present === undefined ? "added" : "replaced", entry };
    } finally {
      await image.close();
    }
  }

  /**
   * Removes one image by file name (damaged ones too) or by the first digits of its digest, at least four. UsageError
   * `repo-no-such-image`, `repo-ambiguous`.
   */
  async remove(name: string): Promise<string> {
    const { images, skipped } = await this.list();
    const fileNames = [...images, ...skipped].map(({ fileName }) => fileName);
    const byName = fileNames.filter((fileName) => fileName === name && fileName.endsWith(IMAGE_EXTENSION));
    const digits = name.toLowerCase();
    const byDigest = images.filter((image) => toHex(image.digest).startsWith(digits)).map((i) => i.fileName);
    const found = byName.length > 0 || name.length < PREFIX_MIN ? byName : byDigest;
    const [fileName, ...others] = found;
    if (fileName === undefined) throw notFound(name, this.dir, images);
    if (others.length > 0) {
      const message = `${name} matches ${found.length} images in ${this.dir}: ${found.join(", ")}; give more digits or a file name`;
      throw new UsageError("repo-ambiguous", message, { count: found.length });
    }
    this.#unlink(fileName);
    return fileName;
  }

  #unlink(fileName: string): void {
    let folder: OpenFolder | undefined;
    try {
      folder = OpenFolder.open(this.dir);
      unlinkSync(folder.at(fileName));
      folder.sync();
    } catch (error) {
      if (error instanceof MaydayError) throw error;
      throw systemError("repo-remove-failed", `${fileName} cannot be removed from ${this.dir}`, error, {
        fileName,
      });
    } finally {
      folder?.close();
    }
  }

  /** Hashes every image completely. Damaged ones are among `skipped`, and are not picked again until they change. */
  async verify(): Promise<RepositoryListing> {
    for (const entry of (await this.list()).images) {
      const image = await this.#openChecked(entry, openImageFile).catch((error: unknown) => {
        if (error instanceof MaydayError) return undefined;
        throw error;
      });
      await image?.close();
    }
    return this.list();
  }

  /** Opens a listed image. Remembers when its data is damaged. */
  async #openChecked(entry: StoredEntry, openAt: (path: string) => Promise<ImageFile>): Promise<ImageFile> {
    const path = join(this.dir, entry.fileName);
    const stamp = await fileStamp(path);
    try {
      const image = await openAt(path);
      if (equalBytes(image.digest, entry.digest)) return image;
      await (openAt === openImageFile ? image.close() : this.release(image));
      throw new FailedError("file-changed", `${path} was replaced while it was opened`, { path });
    } catch (error) {
      this.#listing.noteFailure(entry.fileName, stamp, error);
      throw error;
    }
  }
}

/** The error for a name that means no image, with what a hint can be made of: all names in short, and those that begin so. */
function notFound(name: string, dir: string, images: readonly StoredEntry[]): UsageError {
  const known = images.map(({ digest }) => toHex(digest).slice(0, SHORT_DIGITS));
  const begun = known.filter((digits) => digits.startsWith(name.toLowerCase()));
  const { code, message, details } = noSuchImage(name, dir);
  return new UsageError(code, message, { ...details, dir, known: known.join(" "), begun: begun.join(" ") });
}

/** Compares the counter of a new image with those of its hardware. */
function checkCounter(
  path: string,
  { counter, ...hardware }: Manifest,
  images: readonly StoredEntry[],
): void {
  const known = images.filter(({ manifest }) => {
    return manifest.vendor === hardware.vendor && manifest.hardwareClass === hardware.hardwareClass;
  });
  const highest = Math.max(...known.map(({ manifest }) => manifest.counter));
  const advice =
    "a board that runs it refuses all images below for ever. Check the number; if it is meant, give --force";
  if (known.length === 0) {
    if (counter <= COUNTER_USUAL_MAX) return;
    const message = `${path}: its security counter is ${counter}, above ${COUNTER_USUAL_MAX}: ${advice}`;
    throw new UsageError("counter-large", message, { counter, limit: COUNTER_USUAL_MAX });
  }
  if (counter - highest <= COUNTER_STEP_MAX) return;
  const what = `the highest of ${formatHardware(hardware)} here is ${highest}, a step of ${counter - highest}`;
  const message = `${path}: its security counter is ${counter}, ${what}: ${advice}`;
  throw new UsageError("counter-step", message, { counter, highest, limit: COUNTER_STEP_MAX });
}
