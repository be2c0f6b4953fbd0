import { compareOrder } from "../base/order.ts";
import { formatHardware, type Hardware, isSameHardware } from "../image/hardware.ts";
import type { IndexEntry, RepositoryIndex } from "./index-format.ts";

/** What is remembered of the index that was used last. */
export interface SeenIndex {
  readonly counter: number;
  /** SHA-256 of what is signed of it, as hexadecimal digits; undefined when that is not known any more. */
  readonly digest: string | undefined;
  /** Digests that it lists; undefined when they are not known any more. */
  readonly images: readonly string[] | undefined;
}

/** Why an index is not obeyed. */
export interface IndexRefusal {
  readonly code: "index-older" | "index-forked" | "index-shrunk";
  readonly detail: string;
}

/**
 * Compares an index with the one before: whether it is older, another one of the same counter, or lists less without saying that its
 * owner meant that. A server, or who stands before it, can do all three; of such an index nothing is used.
 */
export function indexRefusal(
  { counter, pruned, images }: RepositoryIndex,
  digest: string,
  seen: SeenIndex,
): IndexRefusal | undefined {
  if (counter < seen.counter) {
    const detail = `has counter ${counter}, and ${seen.counter} was seen: the server gives out an older one`;
    return { code: "index-older", detail };
  }
  if (counter === seen.counter) {
    if (seen.digest === undefined || digest === seen.digest) return undefined;
    return { code: "index-forked", detail: `is another one than the index of counter ${counter} before` };
  }
  const listed = new Set(images.map((entry) => entry.digest));
  const gone = (seen.images ?? []).filter((image) => !listed.has(image)).length;
  if (gone === 0 || pruned > seen.counter) return undefined;
  const detail = `lists ${gone} images no longer, and does not say that they were removed (publish --prune does)`;
  return { code: "index-shrunk", detail };
}

/** An image that the folder holds. */
export type HeldImage = Pick<
  IndexEntry,
  "digest" | "vendor" | "hardwareClass" | "revisionMin" | "revisionMax" | "role" | "counter"
>;

export interface PullCriteria {
  /** What the folder holds, and would be taken from the server, too. */
  readonly held: readonly HeldImage[];
  /** Only images for these; all where it is empty. */
  readonly hardware: readonly Hardware[];
  /** Images that are not to be tried again while the index stays as it is, with why. */
  readonly finals: ReadonlyMap<string, string>;
}

/** Why an image of the index is not fetched; `final`: it was tried, and failed for good. */
export interface LeftImage {
  readonly entry: IndexEntry;
  readonly why: "held" | "hardware" | "counter" | "final";
}

/** What to fetch, in this order, and what not. */
export interface PullPlan {
  readonly wanted: readonly IndexEntry[];
  readonly left: readonly LeftImage[];
}

/**
 * What to fetch of an index: the newest image of each hardware first, then the second newest of each, so that a budget that ends early
 * leaves no board without its newest. What is below the security counter of an image in the folder that fits all the same boards is
 * not fetched: boards that ran that one refuse it.
 */
export function planPull({ images }: RepositoryIndex, criteria: PullCriteria): PullPlan {
  const left: LeftImage[] = [];
  const groups = new Map<string, IndexEntry[]>();
  const digests = new Set(criteria.held.map(({ digest }) => digest));
  const held = new Map<string, HeldImage[]>();
  for (const image of criteria.held) inGroup(held, image).push(image);
  const why = (entry: IndexEntry): LeftImage["why"] | undefined => {
    if (digests.has(entry.digest)) return "held";
    const { hardware, finals } = criteria;
    if (hardware.length > 0 && !hardware.some((one) => isSameHardware(one, entry))) return "hardware";
    if (held.get(groupOf(entry))?.some((image) => isAbove(image, entry)) === true) return "counter";
    return finals.has(entry.digest) ? "final" : undefined;
  };
  for (const entry of images.toSorted((a, b) => compareOrder(b, a) || (a.digest < b.digest ? 1 : -1))) {
    const reason = why(entry);
    if (reason === undefined) inGroup(groups, entry).push(entry);
    else left.push({ entry, why: reason });
  }
  const wanted: IndexEntry[] = [];
  const lists = [...groups.values()];
  const most = Math.max(0, ...lists.map((list) => list.length));
  for (let rank = 0; rank < most; rank++)
    for (const list of lists) wanted.push(...list.slice(rank, rank + 1));
  return { wanted, left };
}

function groupOf(image: Pick<HeldImage, "vendor" | "hardwareClass" | "role">): string {
  return `${image.role} ${formatHardware(image)}`;
}

function inGroup<Image extends HeldImage>(groups: Map<string, Image[]>, image: Image): Image[] {
  const name = groupOf(image);
  const group = groups.get(name) ?? [];
  groups.set(name, group);
  return group;
}

/** Whether an image is for all boards that another one is for, and has a higher counter. */
function isAbove(image: HeldImage, other: IndexEntry): boolean {
  const fits = image.revisionMin <= other.revisionMin && other.revisionMax <= image.revisionMax;
  return fits && image.counter > other.counter;
}
