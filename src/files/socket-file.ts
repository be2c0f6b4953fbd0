import { linkSync, lstatSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { basename, dirname } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import type { OpenFolder } from "./open-folder.ts";
import { ownUid } from "./rights.ts";
import { type FileId, removeIfSame } from "./same-file.ts";
import { setMode } from "./set-mode.ts";
import { isSocketFolder, openSocketFolder } from "./socket-folder.ts";
import { clearStaleTemps } from "./stale-temps.ts";
import { beginTemp, endTemp } from "./temp-name.ts";
import { fitsSocket, isAnswered, SOCKET_PATH_MAX } from "./unix-socket.ts";

const PRIVATE_FOLDER = 0o700;
const SOCKET_MODE = 0o600;
/** Name of the socket in its temporary folder. */
const TEMP_SOCKET = "s";
/** How often a dead socket is taken away: each time another process may put one there. */
const ATTEMPTS_MAX = 3;

/**
 * Has `server` listen at `path`, with mode 0600 from its first moment: the socket is made in a private folder, and
 * linked to its name when it has its mode, so that the umask does not matter and nothing that is there is replaced. A
 * socket of this user's that nobody answers is removed before. Returns what the socket is.
 *
 * UsageError `control-path-too-long` and those of {@link openSocketFolder}; FailedError `control-in-use`,
 * `control-not-socket`, `control-foreign`, `control-not-opened`.
 */
export async function listenAt(server: Server, path: string): Promise<FileId> {
  if (!fitsSocket(path)) throw tooLong(path);
  let folder: OpenFolder | undefined;
  try {
    folder = openSocketFolder(dirname(path), isSocketFolder(dirname(path)));
    clearStaleTemps(folder);
    return await listenIn(server, folder, path);
  } catch (error) {
    // Nothing happens when it does not listen.
    server.close(() => {});
    if (error instanceof MaydayError) throw error;
    throw systemError("control-not-opened", `${path}: no socket can be made there`, error, {
      path,
      errno: errnoOf(error),
    });
  } finally {
    folder?.close();
  }
}

/** The path does not fit; UsageError `control-path-too-long`. */
export function tooLong(path: string): UsageError {
  const length = Buffer.byteLength(path);
  const message = `${path} has ${length} bytes; the path of a socket has at most ${SOCKET_PATH_MAX}: choose a shorter one`;
  return new UsageError("control-path-too-long", message, { path, length, max: SOCKET_PATH_MAX });
}

async function listenIn(server: Server, folder: OpenFolder, path: string): Promise<FileId> {
  const temp = beginTemp();
  mkdirSync(folder.at(temp), { mode: PRIVATE_FOLDER });
  const made = `${folder.at(temp)}/${TEMP_SOCKET}`;
  try {
    await listening(server, made);
    setMode(made, SOCKET_MODE);
    const { dev, ino } = lstatSync(made, { bigint: true });
    await linkTo(made, folder, path);
    return { dev, ino };
  } finally {
    removeTemp(folder.at(temp), made);
    endTemp(temp);
  }
}

/** Gives what was made its name. A link is never made over something else. */
async function linkTo(made: string, folder: OpenFolder, path: string): Promise<void> {
  const named = folder.at(basename(path));
  for (let attempt = 1; ; attempt++) {
    try {
      linkSync(made, named);
      return;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || attempt >= ATTEMPTS_MAX) throw error;
      await removeDead(folder, path);
    }
  }
}

/** Removes a socket that nobody answers; throws for anything else. */
async function removeDead(folder: OpenFolder, path: string): Promise<void> {
  const name = basename(path);
  const found = folder.look(name);
  if (found === undefined) return;
  if (!found.isSocket()) {
    const message = `${path} is not a socket, and stays as it is; remove it, or name another socket`;
    throw new FailedError("control-not-socket", message, { path });
  }
  if (await isAnswered(folder.at(name))) {
    const message = `${path} is in use: a process answers there; end it, or name another socket`;
    throw new FailedError("control-in-use", message, { path });
  }
  if (Number(found.uid) !== ownUid()) {
    const message = `${path} is a socket of user ${found.uid}, and stays as it is; remove it, or name another socket`;
    throw new FailedError("control-foreign", message, { path, uid: Number(found.uid) });
  }
  removeIfSame(folder.at(name), found);
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function removeTemp(folder: string, made: string): void {
  for (const remove of [() => unlinkSync(made), () => rmdirSync(folder)]) {
    try {
      remove();
    } catch {
      // It was not made, or stays until the next start.
    }
  }
}

/** Whether there is a socket at `path`, not a link to one. */
export function isSocketFile(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}
