import { mkdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError, UsageError } from "../base/errors.ts";
import { OpenFolder } from "./open-folder.ts";
import { canBeOwnWay } from "./own-way.ts";
import { walkPath } from "./path-walk.ts";
import { isOpenToOthers, isSticky, otherWriters, ownUid, type Rights, rightsText } from "./rights.ts";
import { WRITABLE_BY_OTHERS } from "./write-guard.ts";

/** Name of the folder of sockets in a folder for what runs now. */
const FOLDER = "mayday";
const FOLDER_MODE = 0o700;
const SYSTEM_FOLDER = "/run";

/**
 * Folders of sockets that nobody named, in the order in which they are tried: `mayday` in $XDG_RUNTIME_DIR and in /run.
 */
export function socketFolders(system: string = SYSTEM_FOLDER): readonly string[] {
  const configured = process.env["XDG_RUNTIME_DIR"];
  const isUsable = configured !== undefined && isAbsolute(configured);
  return [...(isUsable ? [configured] : []), system].map((base) => join(base, FOLDER));
}

/**
 * Makes one of {@link socketFolders} if only that is missing, and checks it as {@link openSocketFolder} does, whose
 * errors it throws; errors of the operating system pass through.
 */
export function makeSocketFolder(path: string): void {
  // Nothing is left in a folder of somebody else's, such as the $XDG_RUNTIME_DIR that sudo -E keeps.
  if (canBeOwnWay(path)) makePrivate(path);
  openSocketFolder(path, true).close();
}

/**
 * Opens the folder of a socket, for names in it. Nobody but root and this process's user may put something else in its
 * place or in the place of the socket: both of them alone own and may write it and every folder on the way (the
 * owner's private group is nobody else). In a sticky folder such as /tmp others may write, as only the owner of a name
 * may change it. A folder that nobody named is `isPrivate`: no link, ours alone, and others may not enter it.
 * UsageError `control-folder-missing`; FailedError `control-folder-foreign`, `writable-by-others`, `foreign-link`.
 */
export function openSocketFolder(path: string, isPrivate: boolean): OpenFolder {
  const folder = openAt(path, isPrivate);
  try {
    const { uid, gid, mode } = folder.stat();
    const rights = { uid: Number(uid), gid: Number(gid), mode: Number(mode) };
    if (isPrivate) checkPrivate(path, rights);
    checkWritable(path, rights);
    checkWay(path);
    return folder;
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** Whether a folder is one of those that nobody named. */
export function isSocketFolder(path: string): boolean {
  return socketFolders().includes(path);
}

function openAt(path: string, isPrivate: boolean): OpenFolder {
  try {
    if (!isPrivate) return OpenFolder.open(path);
    const parent = OpenFolder.open(dirname(path));
    try {
      return parent.openIn(basename(path));
    } finally {
      parent.close();
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") {
      const message = `${path}: the folder of the socket does not exist; make it with: mkdir -m 700 ${path}`;
      throw new UsageError("control-folder-missing", message, { path }, error);
    }
    if (errno === "ENOTDIR" || errno === "ELOOP") {
      const what = isPrivate ? "a link, or not a folder" : "not a folder";
      throw foreign(path, `it is ${what}`, error);
    }
    throw error;
  }
}

/** The parent is there: /run, or the user's own. */
function makePrivate(path: string): void {
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function checkPrivate(path: string, rights: Rights): void {
  if (rights.uid !== ownUid()) throw foreign(path, `user ${rights.uid} owns it, not ${ownUid()}`);
  const writers = otherWriters(rights);
  if (writers !== undefined) throw writable(path, `${writers} may write it`, rights);
  if (isOpenToOthers(rights)) throw writable(path, "others may enter it", rights);
}

/** The folder itself: what is in a sticky one is safe, as the socket will be ours. */
function checkWritable(path: string, rights: Rights): void {
  if (!isOwned(rights)) throw foreign(path, `user ${rights.uid} owns it`);
  const writers = otherWriters(rights);
  if (writers === undefined || isSticky(rights)) return;
  throw writable(path, `${writers} may write it`, rights);
}

function checkWay(path: string): void {
  for (const { folder, rights, entry } of walkPath(path).lookups) {
    if (!isOwned(rights)) throw foreign(path, `user ${rights.uid} owns ${folder} on the way there`);
    const writers = otherWriters(rights);
    if (writers === undefined || (isSticky(rights) && isOwned(entry))) continue;
    throw writable(path, `${writers} may write ${folder} on the way there`, rights);
  }
}

function isOwned({ uid }: { readonly uid: number }): boolean {
  return uid === 0 || uid === ownUid();
}

function foreign(path: string, seen: string, cause?: unknown): FailedError {
  const message = `${path} is not used for the socket: ${seen}; name a socket in a folder of this user's`;
  return new FailedError("control-folder-foreign", message, { path }, cause);
}

function writable(path: string, seen: string, rights: Rights): FailedError {
  const message = `${path} is not used for the socket: ${seen} and so could answer in the node's place (${rightsText(rights)}); fix: chmod 700, or name a socket in a folder of this user's`;
  return new FailedError(WRITABLE_BY_OTHERS, message, { path, uid: rights.uid, gid: rights.gid });
}
