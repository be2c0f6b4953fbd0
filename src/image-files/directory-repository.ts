import { unlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { equalBytes, toHex } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import { makeFolder } from "../files/durable-file.ts";
import { OpenFolder } from "../files/open-folder.ts";
import { openRegular } from "../files/regular-file.ts";
import { clearStaleTempsIn } from "../files/stale-temps.ts";
import { isTempName } from "../files/temp-name.ts";
import { formatHardware } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import { COUNTER_STEP_MAX, COUNTER_USUAL_MAX, type Manifest } from "../image/manifest.ts";
import {
  chooseImage,
  compareEntries,
  type ImageChoice,
  noSuchImage,
  type PickCriteria,
  type Repository,
  type RepositoryEntry,
} from "../image/repository.ts";
import { writeImageFile } from "./image-build.ts";
import { ImageFile, openImageFile, readImageHead } from "./image-file.ts";
import { fileStamp, OpenImages } from "./open-images.ts";

const EXTENSION = ".mdy";
/** Most files of a repository that are read; the others are reported as skipped. */
export const REPOSITORY_FILES_MAX = 4096;
/** A listing serves picks for this long, and for ten times what it took: picks cost at most a tenth of the time. */
const LISTING_FRESH_MS = 1_000;
const LISTING_FRESH_TIMES = 10;
/** Fewest digits of a digest that `remove` takes as a name. */
const PREFIX_MIN = 4;

/** An image file in a repository directory. */
export interface StoredEntry extends RepositoryEntry {
  readonly fileName: string;
  /** Id of the key that the image claims to be signed with, 8 bytes. */
  readonly keyId: Uint8Array | undefined;
}

/** A file that is not a usable image, and why. */
export interface SkippedFile {
  readonly fileName: string;
  /** Code of the error that reading it threw. */
  readonly code: string;
  readonly detail: string;
}

/** Images, newest first; and the files that are damaged or not images. */
export interface RepositoryListing {
  readonly images: readonly StoredEntry[];
  readonly skipped: readonly SkippedFile[];
}

/** `kept`: the same image was there already, with the same signature, or signed where the new one is not. */
export interface AddOutcome {
  readonly tag: "added" | "replaced" | "kept";
  readonly entry: StoredEntry;
}

interface Recent {
  readonly listing: Promise<RepositoryListing>;
  /** Stamp of the folder, which changes when files come, go or are renamed. */
  readonly stamp: string;
  /** Infinite while it is being read. */
  until: Millis;
}

type Reading = { readonly entry: StoredEntry } | { readonly skipped: SkippedFile };

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
  await namesIn(dir);
  // On read-only storage they stay, which does no harm.
  clearStaleTempsIn(dir);
  return new DirectoryRepository(dir);
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throw folderError(dir, error);
  }
}

function folderError(dir: string, error: unknown): MaydayError {
  const errno = errnoOf(error);
  if (errno === "ENOENT") {
    const message = `${dir}: there is no such repository`;
    return new UsageError("repo-missing", message, { dir }, error);
  }
  if (errno === "ENOTDIR" || errno === "EEXIST") {
    return new UsageError(
      "repo-not-folder",
      `${dir} is not a folder; a repository is a folder`,
      { dir },
      error,
    );
  }
  return new FailedError("repo-unreadable", `${dir}: cannot be used (${errno})`, { dir, errno }, error);
}

/**
 * Images as files `<digest>.mdy` in one folder, local or on network storage. Made by {@link openDirectoryRepository}.
 */
export class DirectoryRepository implements Repository {
  readonly dir: string;
  /** Result of the last read of each file, so that a listing only reads files that changed. */
  readonly #readings = new Map<string, { readonly stamp: string; readonly reading: Reading }>();
  readonly #open: OpenImages = new OpenImages();
  readonly #clock: Clock;
  #recent: Recent | undefined;

  constructor(dir: string, clock: Clock = systemClock) {
    this.dir = dir;
    this.#clock = clock;
  }

  /** Reads headers and manifests. A bad file is skipped. Only {@link verify} and {@link open} hash the data. */
  async list(): Promise<RepositoryListing> {
    const names = (await namesIn(this.dir)).filter((name) => !isTempName(name)).sort();
    const present = new Set(names);
    for (const known of this.#readings.keys()) if (!present.has(known)) this.#readings.delete(known);
    const images: StoredEntry[] = [];
    const skipped: SkippedFile[] = [];
    for (const [i, fileName] of names.entries()) {
      const reading = i < REPOSITORY_FILES_MAX ? await this.#read(fileName) : tooMany(fileName);
      if ("entry" in reading) images.push(reading.entry);
      else skipped.push(reading.skipped);
    }
    // Of equal digests (copies under other names) the signed one comes first: open() and pick() take the first.
    images.sort((a, b) => compareEntries(b, a) || Number(b.isSigned) - Number(a.isSigned));
    return { images, skipped };
  }

  /** May not know of a file that was changed in place in the last second. */
  async pick(criteria: PickCriteria): Promise<ImageChoice<StoredEntry>> {
    return chooseImage((await this.#recentListing()).images, criteria);
  }

  /** The listing that was read last, if that is not long ago. Calls at the same time share one. */
  async #recentListing(): Promise<RepositoryListing> {
    const stamp = await fileStamp(this.dir);
    const from = this.#clock.now();
    const known = this.#recent;
    if (known?.stamp === stamp && from < known.until) return known.listing;
    const recent: Recent = { listing: this.list(), stamp, until: Number.POSITIVE_INFINITY };
    this.#recent = recent;
    const settle = (): void => {
      const now = this.#clock.now();
      recent.until = now + Math.max(LISTING_FRESH_MS, LISTING_FRESH_TIMES * (now - from));
    };
    recent.listing.then(settle, () => {
      recent.until = from;
    });
    return await recent.listing;
  }

  /** The file is hashed once for as long as it is the same; several uses share it. */
  async open(digest: Uint8Array): Promise<ImageSource> {
    const isIt = (image: StoredEntry): boolean => equalBytes(image.digest, digest);
    const entry = (await this.#recentListing()).images.find(isIt) ?? (await this.list()).images.find(isIt);
    if (entry === undefined) throw noSuchImage(toHex(digest), this.dir);
    try {
      return await this.#openChecked(entry, (path) => this.#open.use(path));
    } catch (error) {
      this.#recent = undefined;
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
      const entry = { manifest, digest, isSigned, keyId, fileName: toHex(digest) + EXTENSION };
      const present = await openImageFile(join(this.dir, entry.fileName)).catch(() => undefined);
      await present?.close();
      const isSame = present !== undefined && equalBytes(present.digest, digest);
      if (isSame && (equalBytes(present.envelope, image.envelope) || !isSigned)) {
        return { tag: "kept", entry: { ...entry, isSigned: present.isSigned, keyId: present.keyId } };
      }
      if (isChecked && !isSame) checkCounter(path, manifest, (await this.list()).images);
      await writeImageFile(image, join(this.dir, entry.fileName));
      this.#readings.delete(entry.fileName);
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
    const byName = fileNames.filter((fileName) => fileName === name && fileName.endsWith(EXTENSION));
    const digits = name.toLowerCase();
    const byDigest = images.filter((image) => toHex(image.digest).startsWith(digits)).map((i) => i.fileName);
    const found = byName.length > 0 || name.length < PREFIX_MIN ? byName : byDigest;
    const [fileName, ...others] = found;
    if (fileName === undefined) throw noSuchImage(name, this.dir);
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
      const message = `${fileName} cannot be removed from ${this.dir} (${errnoOf(error)})`;
      throw new FailedError("repo-remove-failed", message, { fileName }, error);
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

  async #read(fileName: string): Promise<Reading> {
    const path = join(this.dir, fileName);
    const stamp = await fileStamp(path);
    const known = this.#readings.get(fileName);
    if (known?.stamp === stamp) return known.reading;
    try {
      const reading = { entry: await readEntry(path, fileName) };
      this.#readings.set(fileName, { stamp, reading });
      return reading;
    } catch (error) {
      const reading = skippedFor(fileName, error);
      if (isLasting(error)) this.#readings.set(fileName, { stamp, reading });
      return reading;
    }
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
      if (isLasting(error)) {
        this.#readings.set(entry.fileName, { stamp, reading: skippedFor(entry.fileName, error) });
      }
      throw error;
    }
  }
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

async function readEntry(path: string, fileName: string): Promise<StoredEntry> {
  if (!fileName.endsWith(EXTENSION))
    throw new FailedError("image-foreign", `${path}: not an image file (.mdy)`);
  const { handle, size } = await openRegular(path);
  try {
    const { manifest, digest, keyId } = (await readImageHead(path, handle, size)).envelope;
    const named = fileName.slice(0, -EXTENSION.length);
    if (/^[0-9a-f]{64}$/.test(named) && named !== toHex(digest)) {
      throw new FailedError(
        "image-misnamed",
        `${path}: holds image ${toHex(digest)}, not the one in its name`,
      );
    }
    return { manifest, digest, isSigned: keyId !== undefined, keyId, fileName };
  } finally {
    await handle.close();
  }
}

/** Whether the error is about the content of the file, and so lasts until the file changes. */
function isLasting(error: unknown): boolean {
  return error instanceof FailedError && error.code.startsWith("image-");
}

function skippedFor(fileName: string, error: unknown): Reading {
  const code = error instanceof MaydayError ? error.code : "file-unreadable";
  return { skipped: { fileName, code, detail: error instanceof Error ? error.message : String(error) } };
}

function tooMany(fileName: string): Reading {
  const detail = `${fileName}: a repository has at most ${REPOSITORY_FILES_MAX} files`;
  return { skipped: { fileName, code: "repo-too-many", detail } };
}
