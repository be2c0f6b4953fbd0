import { readdirSync } from "node:fs";
import { join } from "node:path";
import { EMPTY, equalBytes, toHex } from "../base/bytes.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { compareOrder } from "../base/order.ts";
import { systemError } from "../base/system-error.ts";
import { replaceFileSync } from "../files/atomic-file.ts";
import { makeFolder } from "../files/durable-file.ts";
import { lockFolder } from "../files/folder-lock.ts";
import { OpenFolder } from "../files/open-folder.ts";
import { removeOwnFiles } from "../files/part-file.ts";
import { openRegular } from "../files/regular-file.ts";
import { setMode } from "../files/set-mode.ts";
import { readWholeFile } from "../files/whole-file.ts";
import { formatHardware } from "../image/hardware.ts";
import { IMAGE_HEADER_LENGTH } from "../image/image-header.ts";
import type { SigningKey } from "../image/keys.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import type { DirectoryRepository } from "../image-files/directory-repository.ts";
import {
  IMAGE_EXTENSION,
  isForeignName,
  type SkippedFile,
  type StoredEntry,
} from "../image-files/folder-listing.ts";
import { writeImageFile } from "../image-files/image-build.ts";
import { readImageHead } from "../image-files/image-file.ts";
import {
  encodeIndex,
  INDEX_BYTES_MAX,
  INDEX_COUNTER_MAX,
  INDEX_IMAGES_MAX,
  type IndexEntry,
  imagePath,
  indexEntry,
  type ReadIndex,
  readIndex,
} from "./index-format.ts";
import { INDEX_NAME } from "./source-url.ts";

export interface PublishOptions {
  readonly repository: DirectoryRepository;
  /** Folder of a web server. It is made if it is missing. */
  readonly out: string;
  readonly signer: SigningKey | undefined;
  /** Leaves out, and removes, what the repository does not hold any more. */
  readonly prune: boolean;
  /** Lowest counter of the index: for a folder whose index was lost. */
  readonly counter: number | undefined;
  readonly allowUnsigned: boolean;
  readonly onEvent: (event: PublishEvent) => void;
  /** What of the repository is no image that can be read. */
  readonly onSkipped: (skipped: readonly SkippedFile[]) => void;
}

/** What was done with an image. `unsigned`: it is not published. `kept`: it is published although the repository lost it. */
export interface PublishEvent {
  readonly event: "published" | "unsigned" | "kept" | "pruned";
  readonly image: Pick<IndexEntry, "digest" | "vendor" | "hardwareClass" | "version">;
}

export interface PublishReport {
  readonly counter: number;
  readonly images: number;
  /** Whether the index was written: something changed. */
  readonly isNew: boolean;
}

/** Everybody may read what is published, a web server of another user above all; nobody else may write it. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const IMAGES = "sha256";

/**
 * Makes the folder of a web server from a repository: images by digest, then the index, each in one step. Only what is new is copied,
 * and hashed on the way. Who fetches meanwhile finds the index of before, and all of its images, unless `prune` removes some.
 *
 * UsageError `index-was-signed` (the index before is signed, and there is no key), `counter-large`; FailedError `publish-busy`,
 * `index-damaged` (the index before), `repo-damaged` (with `prune`), `index-large`, `publish-failed`, and those of reading and writing images.
 */
export async function publishRepository(options: PublishOptions): Promise<PublishReport> {
  const { out } = options;
  onDisk(out, () => {
    for (const folder of [...makeFolder(out), ...makeFolder(join(out, IMAGES))]) setMode(folder, FOLDER_MODE);
  });
  const lock = lockFolder(out);
  if (lock === undefined) {
    throw new FailedError("publish-busy", `${out}: another process publishes there; let it end`, { out });
  }
  try {
    return await publishInto(options);
  } finally {
    lock.release();
  }
}

async function publishInto(options: PublishOptions): Promise<PublishReport> {
  const { out, signer, prune, onEvent } = options;
  const before = indexBefore(out, options);
  const keyId = signer === undefined ? undefined : toHex(signer.keyId);
  if (before?.claimedKeyId !== undefined && keyId === undefined) {
    const message = `the index in ${out} is signed by ${before.claimedKeyId}, and one without a signature would be refused; give --key`;
    throw new UsageError("index-was-signed", message, { keyId: before.claimedKeyId });
  }
  const entries = await copyImages(options);
  const listed = new Set(entries.map(({ digest }) => digest));
  const others = (before?.index.images ?? []).filter(({ digest }) => !listed.has(digest));
  const kept = prune ? [] : others.filter((entry) => isThere(out, entry));
  for (const image of others) onEvent({ event: kept.includes(image) ? "kept" : "pruned", image });
  const images = [...entries, ...kept].sort(compareForIndex);
  const old = before?.index ?? { counter: 0, pruned: 0, images: [] };
  const least = Math.max(options.counter ?? 1, 1);
  const isSame = before?.claimedKeyId === keyId && encodeIndex({ ...old, images }) === encodeIndex(old);
  if (before !== undefined && isSame && old.counter >= least) {
    return { counter: old.counter, images: images.length, isNew: false };
  }
  const counter = Math.max(old.counter + 1, least);
  const pruned = kept.length < others.length ? counter : old.pruned;
  writeIndex(out, encodeIndex({ counter, pruned, images }, signer), images.length, counter);
  if (prune) removeOthers(out, new Set(images.map(({ digest }) => digest)));
  return { counter, images: images.length, isNew: true };
}

/** The index that is there. Without one, or where a counter is given instead, undefined. */
function indexBefore(out: string, { counter }: PublishOptions): ReadIndex | undefined {
  const path = join(out, INDEX_NAME);
  const bytes = onDisk(path, () => {
    try {
      const found = readWholeFile(path, INDEX_BYTES_MAX);
      return found.tag === "file" ? found.bytes : new Uint8Array();
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  });
  const found = bytes === undefined ? undefined : readIndex(bytes, { keys: [] });
  if (found?.tag !== "fault") return found;
  if (counter !== undefined) return undefined;
  const fix = "give --counter with a number above all that it ever had";
  throw new FailedError(found.code, `${path} ${found.detail}, so its counter is not known; ${fix}`, { path });
}

async function copyImages({
  repository,
  out,
  allowUnsigned,
  prune,
  onEvent,
  onSkipped,
}: PublishOptions): Promise<IndexEntry[]> {
  const entries = new Map<string, IndexEntry>();
  const { images, skipped } = await repository.list();
  onSkipped(skipped);
  const damaged = prune ? skipped.find((file) => !isForeignName(file)) : undefined;
  if (damaged !== undefined) {
    // What is published may be the last good copy of it.
    const message = `${damaged.fileName} cannot be read, and --prune would remove what is published of it; copy it again, or remove it from the repository`;
    throw new FailedError("repo-damaged", message, { fileName: damaged.fileName });
  }
  // Of two files of one digest the signed one comes first.
  for (const stored of images) {
    const { manifest } = stored;
    const digest = toHex(stored.digest);
    const image = { digest, ...manifest };
    if (entries.has(digest)) continue;
    if (!stored.isSigned && !allowUnsigned) {
      onEvent({ event: "unsigned", image });
      continue;
    }
    const path = join(out, imagePath(digest));
    const there = await sizeOfCopy(path, stored);
    entries.set(digest, indexEntry(manifest, stored.digest, there ?? (await copy(repository, stored, path))));
    if (there === undefined) onEvent({ event: "published", image });
  }
  return [...entries.values()];
}

/** Bytes of the whole image file at `path`, if it is this image, signed by the same key. Its data was hashed when it was written. */
async function sizeOfCopy(path: string, stored: StoredEntry): Promise<number | undefined> {
  try {
    const { handle, size } = await openRegular(path);
    try {
      const { digest, keyId = EMPTY } = (await readImageHead(path, handle, size)).envelope;
      const isSame = equalBytes(digest, stored.digest) && equalBytes(keyId, stored.keyId ?? EMPTY);
      return isSame ? size : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof MaydayError) return undefined;
    throw error;
  }
}

/** Copies an image, which is hashed completely before, and returns the size of the copy. */
async function copy(repository: DirectoryRepository, stored: StoredEntry, path: string): Promise<number> {
  const source = await repository.open(stored.digest);
  try {
    await writeImageFile(source, path, FILE_MODE);
    return IMAGE_HEADER_LENGTH + source.envelope.length + source.manifest.size;
  } finally {
    await repository.release(source);
  }
}

function isThere(out: string, { url, size }: IndexEntry): boolean {
  try {
    const folder = OpenFolder.open(join(out, IMAGES));
    try {
      return Number(folder.look(url.slice(url.lastIndexOf("/") + 1))?.size ?? -1) === size;
    } finally {
      folder.close();
    }
  } catch {
    return false;
  }
}

function writeIndex(out: string, text: string, images: number, counter: number): void {
  if (counter > INDEX_COUNTER_MAX) {
    throw new UsageError(
      "counter-large",
      `the index would have counter ${counter}, at most ${INDEX_COUNTER_MAX}`,
    );
  }
  if (images > INDEX_IMAGES_MAX || encodeUtf8(text).length > INDEX_BYTES_MAX) {
    const message = `${images} images are too many for one index of at most ${INDEX_IMAGES_MAX}, and ${INDEX_BYTES_MAX} bytes; remove old ones, or publish several repositories`;
    throw new FailedError("index-large", message, { images });
  }
  onDisk(join(out, INDEX_NAME), () => replaceFileSync(join(out, INDEX_NAME), text, FILE_MODE));
}

/** Removes images that the index does not list; other files stay. */
function removeOthers(out: string, listed: ReadonlySet<string>): void {
  onDisk(out, () => {
    const folder = OpenFolder.open(join(out, IMAGES));
    try {
      const names = readdirSync(folder.itself).filter((name) => {
        const [, digest] = /^([0-9a-f]{64})\.mdy$/.exec(name) ?? [];
        return digest !== undefined && name.endsWith(IMAGE_EXTENSION) && !listed.has(digest);
      });
      removeOwnFiles(folder, names);
      folder.sync();
    } finally {
      folder.close();
    }
  });
}

/** By hardware, then the newest first. */
function compareForIndex(a: IndexEntry, b: IndexEntry): number {
  const [first, second] = [formatHardware(a), formatHardware(b)];
  if (first !== second) return first < second ? -1 : 1;
  return compareOrder(b, a) || (a.digest < b.digest ? -1 : 1);
}

function onDisk<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof MaydayError || errnoOf(error) === "unknown error") throw error;
    throw systemError("publish-failed", `${path} cannot be used`, error, { path, errno: errnoOf(error) });
  }
}
