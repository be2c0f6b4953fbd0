import { readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { OpenFolder } from "./open-folder.ts";
import { otherWriters, ownUid, type Rights } from "./rights.ts";
import { isStaleTemp } from "./temp-name.ts";

/** Levels of folders below one that is removed. */
const DEPTH_MAX = 8;

/**
 * Removes the temporary files in a folder whose writers were killed: those of this process's user. Temporary folders
 * are removed only where nobody else may write; elsewhere they stay. No link is followed. What cannot be removed stays.
 */
export function clearStaleTemps(folder: OpenFolder): void {
  if (!folder.isBound) return;
  try {
    for (const name of readdirSync(folder.itself)) if (isStaleTemp(name)) clearStale(folder, name);
  } catch {
    // A folder that cannot be read or written: the operation that follows reports it.
  }
}

/** Like {@link clearStaleTemps} for the folder at `path`; nothing happens if that cannot be opened. */
export function clearStaleTempsIn(path: string): void {
  try {
    withFolder(OpenFolder.open(path), clearStaleTemps);
  } catch {
    // The operation that follows reports it.
  }
}

/**
 * Removes the folder `name` of `parent` with its content, through descriptors and without following links. Folders that
 * this process's user does not own, or that others may write, stay with their content. Errors of the operating system
 * pass through.
 */
export function removeFolderIn(parent: OpenFolder, name: string): void {
  withFolder(parent.openIn(name), (folder) => removeOpened(parent, name, folder, DEPTH_MAX));
}

/** Like {@link removeFolderIn}, for a folder that was opened when it was made: nothing else of this name is removed. */
export function removeOpenFolder(parent: OpenFolder, name: string, folder: OpenFolder): void {
  removeOpened(parent, name, folder, DEPTH_MAX);
}

function removeOpened(parent: OpenFolder, name: string, folder: OpenFolder, depth: number): void {
  if (!isOwn(folder)) return;
  for (const inner of readdirSync(folder.itself)) {
    const found = folder.look(inner);
    if (found === undefined || Number(found.uid) !== ownUid()) continue;
    if (!found.isDirectory()) unlinkSync(folder.at(inner));
    else if (depth > 0) {
      withFolder(folder.openIn(inner), (below) => removeOpened(folder, inner, below, depth - 1));
    }
  }
  const { ino, dev } = folder.stat();
  const now = parent.look(name);
  if (now?.ino === ino && now.dev === dev) rmdirSync(parent.at(name));
}

function clearStale(folder: OpenFolder, name: string): void {
  const found = folder.look(name);
  if (found === undefined || Number(found.uid) !== ownUid()) return;
  try {
    if (found.isFile()) unlinkSync(folder.at(name));
    else if (found.isDirectory() && isOwn(folder)) removeFolderIn(folder, name);
  } catch {
    // It stays.
  }
}

/** Whether this process's user owns the folder, and others may not write it. */
function isOwn(folder: OpenFolder): boolean {
  const rights = rightsOf(folder);
  return folder.isBound && rights.uid === ownUid() && otherWriters(rights) === undefined;
}

function rightsOf(folder: OpenFolder): Rights {
  const { uid, gid, mode } = folder.stat();
  return { uid: Number(uid), gid: Number(gid), mode: Number(mode) };
}

function withFolder(folder: OpenFolder, work: (folder: OpenFolder) => void): void {
  try {
    work(folder);
  } finally {
    folder.close();
  }
}
