import { mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError } from "../base/errors.ts";
import { makeFolder } from "./durable-file.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { OpenFolder } from "./open-folder.ts";
import { setMode } from "./set-mode.ts";
import { clearStaleTemps, removeFolderIn, removeOpenFolder } from "./stale-temps.ts";
import { isSystemName } from "./system-names.ts";
import { beginTemp, endTemp, isTempName } from "./temp-name.ts";

/** What a folder will hold. */
export interface DraftContent {
  /** The entry that makes the folder what it is: it appears last, when all others are there. */
  readonly last: string;
  /** The other entries that it may get. */
  readonly others: readonly string[];
  /** Mode of the folder, whatever the umask. */
  readonly mode: number;
}

/**
 * Whether the folder at `target` can get this content: it is not there, or holds nothing but what systems put there and what
 * {@link FolderDraft.begin} takes back. Errors of the operating system pass through, also `ENOTDIR`.
 */
export function isFreeFolder(target: string, content: DraftContent): boolean {
  try {
    const names = readdirSync(target);
    const ours = foreignNames(names);
    if (ours.length === 0) return true;
    const isLeft = (name: string): boolean => isTempName(name) && holds(join(target, name), content.last);
    return ours.every((name) => content.others.includes(name)) && names.some(isLeft);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    throw error;
  }
}

/**
 * A folder that gets its content completely or not at all: it is filled in a draft, under a temporary name. A new folder is
 * the renamed draft. One that is there, such as the current one or a mount point, stays the same folder: the draft is made in it,
 * and its entries are moved. Abandon it, or publish it; then close it.
 */
export class FolderDraft {
  /** Path of the draft. */
  readonly path: string;
  /** The draft, by descriptor. */
  readonly folder: OpenFolder;
  readonly #site: Site;
  readonly #name: string;

  private constructor(site: Site, name: string, folder: OpenFolder) {
    this.#site = site;
    this.#name = name;
    this.folder = folder;
    this.path = join(site.parent.path, name);
  }

  /**
   * Makes the draft, and folders above `target` that are missing. What a killed process had moved into `target` is taken back
   * before. FailedError `folder-busy` when another process makes something there, `foreign-link`; errors of the operating system pass
   * through: `EEXIST` when the folder is not free, `ENOTDIR`.
   */
  static begin(target: string, content: DraftContent): FolderDraft {
    const site = isFolder(target) ? siteIn(target, content) : siteBeside(target);
    const name = beginTemp();
    let folder: OpenFolder | undefined;
    try {
      clearStaleTemps(site.parent);
      mkdirSync(site.parent.at(name), content.mode);
      folder = site.parent.openIn(name);
      setMode(folder.itself, content.mode);
      return new FolderDraft(site, name, folder);
    } catch (error) {
      folder?.close();
      endTemp(name);
      site.undo();
      site.close();
      throw error;
    }
  }

  /** Gives the folder its content, durably. Errors of the operating system pass through, and leave it as it was. */
  publish(): void {
    this.#site.publish(this.#name, this.folder);
    this.#site.parent.sync();
  }

  /** Removes the draft, and the folders that were made for it. */
  abandon(): void {
    removeOpenFolder(this.#site.parent, this.#name, this.folder);
    this.#site.undo();
  }

  /** May be called once. */
  close(): void {
    this.folder.close();
    endTemp(this.#name);
    this.#site.close();
  }
}

/** Where a draft is made, and how it becomes the folder. */
interface Site {
  readonly parent: OpenFolder;
  publish(name: string, draft: OpenFolder): void;
  undo(): void;
  close(): void;
}

function siteBeside(target: string): Site {
  const made = makeFolder(dirname(target));
  const undo = (): void => {
    for (const folder of made.toReversed()) removeEmpty(folder);
  };
  try {
    const parent = OpenFolder.open(dirname(target));
    const publish = (name: string): void => renameSync(parent.at(name), parent.at(basename(target)));
    return { parent, publish, undo, close: () => parent.close() };
  } catch (error) {
    undo();
    throw error;
  }
}

function siteIn(target: string, content: DraftContent): Site {
  const parent = OpenFolder.open(target);
  let lock: FolderLock | undefined;
  const close = (): void => {
    parent.close();
    lock?.release();
  };
  try {
    // Two that are made here at the same time would mix their entries.
    lock = lockFolder(parent.itself);
    if (lock === undefined) {
      const message = `${target}: another process makes something there; wait until it ends, or stop it`;
      throw new FailedError("folder-busy", message, { target });
    }
    takeBack(parent, content);
    if (foreignNames(readdirSync(parent.itself)).length > 0) {
      throw Object.assign(new Error(`${target} is not empty`), { code: "EEXIST" });
    }
    const before = Number(parent.stat().mode) & 0o7777;
    setMode(parent.itself, content.mode);
    const publish = (name: string, draft: OpenFolder): void => moveInto(parent, name, draft, content);
    return { parent, publish, undo: () => setMode(parent.itself, before), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Moves what is in the draft into the folder, or nothing of it. */
function moveInto(folder: OpenFolder, name: string, draft: OpenFolder, { last }: DraftContent): void {
  const moved: string[] = [];
  try {
    for (const entry of readdirSync(draft.itself).filter((other) => other !== last)) {
      renameSync(draft.at(entry), folder.at(entry));
      moved.push(entry);
    }
    folder.sync();
    renameSync(draft.at(last), folder.at(last));
  } catch (error) {
    for (const entry of moved) renameSync(folder.at(entry), draft.at(entry));
    throw error;
  }
  removeEmpty(folder.at(name));
}

/** Removes the drafts of killed processes with all that they had moved: nobody else makes anything here now. */
function takeBack(folder: OpenFolder, { last, others }: DraftContent): void {
  const names = readdirSync(folder.itself);
  for (const name of names.filter((other) => isTempName(other) && holds(folder.at(other), last))) {
    const draft = folder.openIn(name);
    try {
      for (const entry of others) {
        if (names.includes(entry) && draft.look(entry) === undefined) {
          renameSync(folder.at(entry), draft.at(entry));
        }
      }
    } finally {
      draft.close();
    }
    removeFolderIn(folder, name);
  }
}

/** Names of what a person or another program put there. */
function foreignNames(names: readonly string[]): string[] {
  return names.filter((name) => !isSystemName(name) && !isTempName(name));
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

function holds(folder: string, name: string): boolean {
  try {
    return readdirSync(folder).includes(name);
  } catch {
    return false;
  }
}

/** Says nothing when it cannot: it is for the way out. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody put something there meanwhile.
  }
}
