import { equalBytes, toHex } from "../base/bytes.ts";
import type { ImageSource } from "./image-source.ts";
import {
  chooseImage,
  hardwareAmong,
  type ImageChoice,
  noneOf,
  noSuchImage,
  type PickCriteria,
  type Repository,
  type RepositoryEntry,
  unsuitable,
} from "./repository.ts";

/** Told of a source of images that failed while the other one had a suitable image. */
export type ChainProblem = (error: unknown) => void;

/**
 * The images that a board hands on: its own, and those of `next`, a folder for instance. Of both together the image is chosen
 * that PROTOCOL.md 8.6 says. Of the same image the own copy is taken, which depends on no storage, unless only the other
 * one is signed.
 *
 * `own` is asked at each call: the image may change. When one of the two fails, the other one's images are offered as
 * though they were all there are, and `report` gets the error: an older image that heals is better than none, and what the
 * board has begun to receive it resumes (6.5). When the other one has nothing suitable, the error is that of
 * `pick`, for then nobody knows that there is none. `close` closes `next`.
 */
export function chainRepository(
  own: () => ImageSource | undefined,
  next?: Repository,
  report: ChainProblem = () => {},
): Repository {
  const handedOut = new WeakSet<ImageSource>();
  const handOut = (image: ImageSource): ImageSource => {
    handedOut.add(image);
    return image;
  };
  return {
    pick: async (criteria) => {
      const theirs: Settled<ImageChoice> = next === undefined ? {} : await settled(() => next.pick(criteria));
      const mine = await settled(own);
      const choice = chooseOf(mine.value, theirs.value, criteria);
      for (const { error } of [mine, theirs]) {
        if (error === undefined) continue;
        if (choice.tag === "none") throw error;
        report(error);
      }
      return choice;
    },
    open: async (digest) => {
      const { value, error } = await settled(own);
      const mine = value !== undefined && equalBytes(value.digest, digest) ? value : undefined;
      if (mine !== undefined && (mine.isSigned || next === undefined)) return handOut(mine);
      if (next === undefined) throw error ?? noSuchImage(toHex(digest), "the board");
      if (mine === undefined) return await next.open(digest);
      const other = await next.open(digest).catch(() => undefined);
      if (other?.isSigned === true) return other;
      if (other !== undefined) await next.release(other);
      return handOut(mine);
    },
    hardwareOf: (id) => hardwareAmong(ownImages(own), id) ?? next?.hardwareOf?.(id),
    release: async (image) => {
      if (!handedOut.has(image)) await next?.release(image);
    },
    close: async () => {
      await next?.close();
    },
  };
}

/** Chooses over both: `theirs` is the best, or none, of the other images. */
function chooseOf(
  mine: RepositoryEntry | undefined,
  theirs: ImageChoice | undefined,
  criteria: PickCriteria,
): ImageChoice {
  if (mine === undefined) return theirs ?? noneOf([]);
  const isMine = (entry: RepositoryEntry): boolean => equalBytes(entry.digest, mine.digest);
  if (theirs?.tag === "chosen") {
    const { entry } = theirs;
    if (!isMine(entry)) return chooseImage([mine, entry], criteria);
    return entry.isSigned && !mine.isSigned ? theirs : { ...theirs, entry: mine };
  }
  const reason = unsuitable(mine, criteria);
  if (reason === undefined) return chooseImage([mine], criteria);
  const others = theirs?.refusals.filter(({ entry }) => !isMine(entry)) ?? [];
  return noneOf([{ entry: mine, reason }, ...others]);
}

/** The own image; none when it cannot be had. */
function ownImages(own: () => ImageSource | undefined): readonly ImageSource[] {
  try {
    const image = own();
    return image === undefined ? [] : [image];
  } catch {
    return [];
  }
}

/** What comes of a call, or its error. */
interface Settled<T> {
  readonly value?: T;
  readonly error?: unknown;
}

async function settled<T>(call: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    return { error };
  }
}
