import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { type Lookup, walkPath } from "./path-walk.ts";
import { programPaths } from "./program-path.ts";
import { isSticky, ownUid, type Rights } from "./rights.ts";

const OTHERS_WRITE = 0o022;

/**
 * Whether only root and this process's user may change what is at `path`: each folder on the way, from the root of the
 * file system on and through links, and what is there itself. Stricter than the guard of files that decide: the owner
 * must be one of the two, and no group may write. A sticky folder such as /tmp passes if the name in it is ours.
 */
export function isOwnWay(path: string): boolean {
  const found = ownLookups(path);
  return found !== undefined && isClosed(found);
}

/**
 * The first folder on the way to `path`, or what is there itself, that others than root and this process's user may
 * change, by the rule of {@link isOwnWay}; undefined when there is none.
 */
export function foreignOnWay(path: string): { readonly at: string; readonly rights: Rights } | undefined {
  const { lookups, target } = walkPath(path);
  const foreign = lookups.find((lookup) => !isOwnLookup(lookup));
  if (foreign !== undefined) return { at: foreign.folder, rights: foreign.rights };
  const rights = lookups.at(-1)?.entry;
  return target === undefined || rights === undefined || isClosed(rights)
    ? undefined
    : { at: target, rights };
}

/** Whether this process's user can make a folder at `path`, or has one there, that passes {@link isOwnWay}. */
export function canBeOwnWay(path: string): boolean {
  const absolute = resolve(path);
  const found = ownLookups(absolute);
  if (found !== undefined) return isClosed(found);
  let at = dirname(absolute);
  while (at !== dirname(at) && statSync(at, { throwIfNoEntry: false }) === undefined) at = dirname(at);
  const above = ownLookups(at);
  return above !== undefined && (isClosed(above) || (isOwned(above) && isSticky(above)));
}

/**
 * Opens a program that passes {@link isOwnWay}, and no link; undefined when there is none. Run by its descriptor, it is
 * what was judged, whatever gets its name later. Close it.
 */
export function openOwnProgram(path: string): number | undefined {
  if (!isOwnWay(path)) return undefined;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stat = fstatSync(fd);
  if (stat.isFile() && isClosed(stat)) return fd;
  closeSync(fd);
  return undefined;
}

/**
 * Path of a program by its name, from the folders of PATH, or of one that is named with its folder; undefined when
 * none passes {@link isOwnWay}.
 */
export function findOwnProgram(name: string): string | undefined {
  return programPaths(name).find((path) => (name.includes("/") || isAbsolute(path)) && isOwnWay(path));
}

/** What is at the end of a way that only root and we may change; undefined when others may, or nothing is there. */
function ownLookups(path: string): Rights | undefined {
  const { lookups, target } = walkPath(path);
  const isOwn = lookups.every(isOwnLookup);
  return target === undefined || !isOwn ? undefined : (lookups.at(-1)?.entry ?? statSync(target));
}

function isOwnLookup({ rights, entry }: Lookup): boolean {
  return isClosed(rights) || (isOwned(rights) && isSticky(rights) && isOwned(entry));
}

/** Nobody but its owner may write it, who is root or we. Windows makes up all modes. */
function isClosed(rights: Rights): boolean {
  return isOwned(rights) && ((rights.mode & OTHERS_WRITE) === 0 || process.platform === "win32");
}

function isOwned({ uid }: Rights): boolean {
  return uid === 0 || uid === ownUid();
}
