import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { toHex } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { errorWords, systemError } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import { fileStamp } from "../files/file-stamp.ts";
import { openRegular } from "../files/regular-file.ts";
import { isOwnHiddenName } from "../files/temp-name.ts";
import { compareEntries, type RepositoryEntry } from "../image/repository.ts";
import { readImageHead } from "./image-file.ts";

/** How names of image files end. */
export const IMAGE_EXTENSION = ".mdy";
/** Most files of a repository that are read; the others are reported as skipped. */
export const REPOSITORY_FILES_MAX = 4096;
/** A listing serves picks for this long, and for ten times what it took: picks cost at most a tenth of the time. */
const LISTING_FRESH_MS = 1_000;
const LISTING_FRESH_TIMES = 10;

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

/**
 * Whether a skipped name is somebody else's business, and no damage: it does not end in `.mdy`, is hidden (what editors and file
 * systems put beside a file), or is a folder, pipe or device.
 */
export function isForeignName({ fileName, code }: SkippedFile): boolean {
  return !fileName.endsWith(IMAGE_EXTENSION) || fileName.startsWith(".") || code === "file-not-regular";
}

/** Images, newest first; and the files that are damaged or not images. */
export interface RepositoryListing {
  readonly images: readonly StoredEntry[];
  readonly skipped: readonly SkippedFile[];
}

interface Recent {
  readonly listing: Promise<RepositoryListing>;
  /** Stamp of the folder, which changes when files come, go or are renamed. */
  readonly stamp: string;
  /** Infinite while it is being read. */
  until: Millis;
}

type Reading = { readonly entry: StoredEntry } | { readonly skipped: SkippedFile };

/** The image files of a folder. Files that did not change are read once. */
export class FolderListing {
  readonly #dir: string;
  readonly #clock: Clock;
  /** Result of the last read of each file, so that a listing only reads files that changed. */
  readonly #readings = new Map<string, { readonly stamp: string; readonly reading: Reading }>();
  #recent: Recent | undefined;

  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  /** Reads headers and manifests, and hashes no data. A bad file is skipped. The errors are those of the folder. */
  async read(): Promise<RepositoryListing> {
    const names = (await folderNames(this.#dir)).filter((name) => !isOwnHiddenName(name)).sort();
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

  /** The listing that was read last, if that is not long ago. Calls at the same time share one. */
  async recent(): Promise<RepositoryListing> {
    const stamp = await fileStamp(this.#dir);
    const from = this.#clock.now();
    const known = this.#recent;
    if (known?.stamp === stamp && from < known.until) return known.listing;
    const recent: Recent = { listing: this.read(), stamp, until: Number.POSITIVE_INFINITY };
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

  /** The images of the files that were read so far and are not known to have gone. */
  known(): readonly StoredEntry[] {
    return [...this.#readings.values()].flatMap(({ reading }) => ("entry" in reading ? [reading.entry] : []));
  }

  /** The next {@link recent} reads the folder. */
  forgetRecent(): void {
    this.#recent = undefined;
  }

  /** A file was replaced: it is read again, whatever its stamp. */
  forget(fileName: string): void {
    this.#readings.delete(fileName);
  }

  /** A file with this stamp could not be used. If that is because of its content, it is skipped until it changes. */
  noteFailure(fileName: string, stamp: string, error: unknown): void {
    if (isLasting(error)) this.#readings.set(fileName, { stamp, reading: skippedFor(fileName, error) });
  }

  async #read(fileName: string): Promise<Reading> {
    const path = join(this.#dir, fileName);
    const stamp = await fileStamp(path);
    const known = this.#readings.get(fileName);
    if (known?.stamp === stamp) return known.reading;
    try {
      const reading = { entry: await readEntry(path, fileName) };
      this.#readings.set(fileName, { stamp, reading });
      return reading;
    } catch (error) {
      this.noteFailure(fileName, stamp, error);
      return skippedFor(fileName, error);
    }
  }
}

/** Names in a folder. UsageError `repo-missing`, `repo-not-folder`; FailedError `repo-unreadable`. */
export async function folderNames(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throw folderError(dir, error);
  }
}

/** The error for a folder that cannot be a repository. */
export function folderError(dir: string, error: unknown): MaydayError {
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
  return systemError("repo-unreadable", `${dir} cannot be used as a repository`, error, { dir, errno });
}

async function readEntry(path: string, fileName: string): Promise<StoredEntry> {
  if (!fileName.endsWith(IMAGE_EXTENSION))
    throw new FailedError("image-foreign", `${path}: not an image file (.mdy)`);
  const { handle, size } = await openRegular(path);
  try {
    const { manifest, digest, keyId } = (await readImageHead(path, handle, size)).envelope;
    const named = fileName.slice(0, -IMAGE_EXTENSION.length);
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
  return { skipped: { fileName, code, detail: errorWords(error) } };
}

function tooMany(fileName: string): Reading {
  const detail = `${fileName}: a repository has at most ${REPOSITORY_FILES_MAX} files`;
  return { skipped: { fileName, code: "repo-too-many", detail } };
}
