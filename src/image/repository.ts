import { compareBytes, equalBytes, toHex } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { compareOrder } from "../base/order.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { Hardware } from "./hardware.ts";
import type { ImageSource } from "./image-source.ts";
import { type Manifest, manifestHardwareId, shortDigest } from "./manifest.ts";

/** An image in a repository. */
export interface RepositoryEntry {
  readonly manifest: Manifest;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
}

/** What is known of the board that needs an image. */
export interface PickCriteria {
  /** 8 bytes. */
  readonly hardwareId: Uint8Array;
  readonly revision: number;
  readonly counterFloor: number;
  /** What the board runs, if it boots and asks for an update: then only newer images suit. */
  readonly runs?: Pick<Manifest, "sequence" | "version"> | undefined;
  /** Whether unsigned images may be sent. */
  readonly allowUnsigned: boolean;
  /** Short digest of the image the board has begun to receive. */
  readonly receivingDigest8?: Uint8Array | undefined;
  /** Short digest of the image the board had installed. */
  readonly installedDigest8?: Uint8Array | undefined;
  /** Short digests of images that the board refused, by its quarantine or otherwise. */
  readonly refused?: readonly Uint8Array[] | undefined;
  /** Largest image that fits, in bytes. */
  readonly sizeMax?: number | undefined;
  /** Largest block the board can buffer, in bytes. */
  readonly blockSizeMax?: number | undefined;
}

/** Why an image does not suit a board. */
export interface ImageRefusal<Entry extends RepositoryEntry = RepositoryEntry> {
  readonly entry: Entry;
  readonly reason: RefusalReason;
}

/** That no image suits a board, with the reason for each. */
export interface NoImage<Entry extends RepositoryEntry = RepositoryEntry> {
  readonly tag: "none";
  readonly refusals: readonly ImageRefusal<Entry>[];
  /** The commonest reason, among images for this board's hardware if there are any; undefined without images. */
  readonly reason: RefusalReason | undefined;
  readonly detail: string;
}

/** The image to offer and why, or none. */
export type ImageChoice<Entry extends RepositoryEntry = RepositoryEntry> =
  | { readonly tag: "chosen"; readonly entry: Entry; readonly because: "receiving" | "installed" | "newest" }
  | NoImage<Entry>;

/** Where a rescuer takes images from. The repository closes the images that it opened: call `release` when done. */
export interface Repository {
  /** Chooses the image for a board (PROTOCOL.md 8.6). */
  pick(criteria: PickCriteria): Promise<ImageChoice>;
  /** Opens an image by its full digest. UsageError `repo-no-such-image`; FailedError when it is damaged. */
  open(digest: Uint8Array): Promise<ImageSource>;
  /**
   * The hardware with this id (8 bytes), by the images here, as far as they were read; undefined when none is for it. A
   * repository without this method names no hardware.
   */
  hardwareOf?(id: Uint8Array): Hardware | undefined;
  /** Ends the caller's use of an image from {@link open}. */
  release(image: ImageSource): Promise<void>;
  /** Releases everything. May be called more than once. */
  close(): Promise<void>;
}

/** Why an image does not suit a board; undefined when it does. */
export function unsuitable(entry: RepositoryEntry, criteria: PickCriteria): RefusalReason | undefined {
  const { manifest } = entry;
  const isForBoard =
    equalBytes(manifestHardwareId(manifest), criteria.hardwareId) &&
    manifest.revisionMin <= criteria.revision &&
    criteria.revision <= manifest.revisionMax;
  if (!isForBoard) return "hardware";
  if (manifest.role !== "app") return "role";
  if (criteria.runs !== undefined && compareOrder(manifest, criteria.runs) <= 0) return "version";
  if (!entry.isSigned && !criteria.allowUnsigned) return "unsigned";
  // The manifest's not-after-counter is at or above its counter, so this covers both.
  if (manifest.counter < criteria.counterFloor) return "counter";
  if (manifest.size > (criteria.sizeMax ?? Number.POSITIVE_INFINITY)) return "size";
  if (manifest.blockSize > (criteria.blockSizeMax ?? Number.POSITIVE_INFINITY)) return "block-size";
  const short = shortDigest(entry.digest);
  return criteria.refused?.some((bad) => equalBytes(bad, short)) ? "quarantined" : undefined;
}

/**
 * Below zero when `a` is older than `b`, above when newer. Images of equal order are ordered by digest, so that all
 * rescuers choose the same.
 */
export function compareEntries(a: RepositoryEntry, b: RepositoryEntry): number {
  return compareOrder(a.manifest, b.manifest) || compareBytes(a.digest, b.digest);
}

/**
 * Chooses the image being received, else the installed one, else the newest: with the first two, the rescue only
 * repairs what the board has already. For a board that boots the installed one is not newer, and so does not suit.
 */
export function chooseImage<Entry extends RepositoryEntry>(
  entries: readonly Entry[],
  criteria: PickCriteria,
): ImageChoice<Entry> {
  const refusals: ImageRefusal<Entry>[] = [];
  const suitable: Entry[] = [];
  for (const entry of entries) {
    const reason = unsuitable(entry, criteria);
    if (reason === undefined) suitable.push(entry);
    else refusals.push({ entry, reason });
  }
  const withDigest = (digest8: Uint8Array | undefined): Entry | undefined =>
    digest8 && suitable.find((entry) => equalBytes(shortDigest(entry.digest), digest8));
  const receiving = withDigest(criteria.receivingDigest8);
  if (receiving !== undefined) return { tag: "chosen", entry: receiving, because: "receiving" };
  const installed = withDigest(criteria.installedDigest8);
  if (installed !== undefined) return { tag: "chosen", entry: installed, because: "installed" };
  const newest = suitable.toSorted(compareEntries).at(-1);
  if (newest !== undefined) return { tag: "chosen", entry: newest, because: "newest" };
  return noneOf(refusals);
}

/** The hardware with this id (8 bytes), by what images are for. */
export function hardwareAmong(
  entries: readonly Pick<RepositoryEntry, "manifest">[],
  id: Uint8Array,
): Hardware | undefined {
  return entries.find(({ manifest }) => equalBytes(manifestHardwareId(manifest), id))?.manifest;
}

/** The choice when no image suits, from the reason of each. */
export function noneOf<Entry extends RepositoryEntry>(
  refusals: readonly ImageRefusal<Entry>[],
): NoImage<Entry> {
  const reasons = refusals.map(({ reason }) => reason);
  return { tag: "none", refusals, reason: commonestOf(reasons), detail: describeRefusals(reasons) };
}

/** Images for other hardware say nothing about a board, unless there are no others. Of equals the first counts. */
function commonestOf(reasons: readonly RefusalReason[]): RefusalReason | undefined {
  const forBoard = reasons.filter((reason) => reason !== "hardware");
  if (forBoard.length === 0) return reasons[0];
  const countOf = (wanted: RefusalReason): number => forBoard.filter((reason) => reason === wanted).length;
  return forBoard.reduce((best, reason) => (countOf(reason) > countOf(best) ? reason : best));
}

/** What is wrong with an image for a board, behind "this board: ". Other reasons are shown as they are. */
const UNSUITABLE: Readonly<Partial<Record<RefusalReason, string>>> = {
  hardware: "for other hardware or another revision",
  version: "not newer",
  counter: "below its security counter",
  size: "too large",
  "block-size": "of blocks that are too large",
  role: "not an application image",
  quarantined: "refused by it before",
};

/** "none of 3 images suits this board: 2 for other hardware or another revision, 1 unsigned". */
function describeRefusals(reasons: readonly RefusalReason[]): string {
  const [only, ...others] = reasons;
  if (only === undefined) return "the repository holds no image";
  const words = (reason: RefusalReason): string => UNSUITABLE[reason] ?? reason;
  if (others.length === 0) return `the only image does not suit this board: ${words(only)}`;
  const counts = new Map<RefusalReason, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${words(reason)}`);
  return `none of ${reasons.length} images suits this board: ${parts.join(", ")}`;
}

/** The error for a digest that a repository does not hold. */
export function noSuchImage(what: string, where: string): UsageError {
  return new UsageError("repo-no-such-image", `${where} holds no image ${what}`, { image: what });
}

/**
 * A repository of images that are open already: one from `--image`, or several in memory. `release` and `close` leave
 * them open; the caller closes them.
 */
export function fixedRepository(images: readonly ImageSource[]): Repository {
  return {
    pick: async (criteria) => chooseImage(images, criteria),
    open: async (digest) => {
      const found = images.find((image) => equalBytes(image.digest, digest));
      if (found === undefined) throw noSuchImage(toHex(digest), "the repository");
      return found;
    },
    hardwareOf: (id) => hardwareAmong(images, id),
    release: async () => {},
    close: async () => {},
  };
}
