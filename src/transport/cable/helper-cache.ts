import { readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "../../files/durable-file.ts";
import { canBeOwnWay, isOwnWay } from "../../files/own-way.ts";
import { ownUid } from "../../files/rights.ts";

/** Mode of the folders that are made for helpers. */
const PRIVATE_FOLDER = 0o700;

/**
 * Folders to keep compiled helpers in, the first that can be used first. XDG_CACHE_HOME and HOME may be another user's
 * (sudo -E): where others can change what they name, the home of the list of users takes their place, and for root
 * also /var/cache.
 */
export function cacheFolders(): readonly string[] {
  const configured = process.env["XDG_CACHE_HOME"];
  const named = configured !== undefined && isAbsolute(configured) ? configured : cacheOf(homedir);
  const isOwn = named !== undefined && canBeOwnWay(join(named, "mayday"));
  return [
    ...(isOwn ? [named] : cachesOfUser()).map((base) => join(base, "mayday")),
    join(tmpdir(), `mayday-${ownUid()}`),
  ];
}

/** Makes the folder if need be; undefined unless only root and this process's user may change it and those above. */
export function makeCacheFolder(folder: string): string | undefined {
  try {
    if (!canBeOwnWay(folder)) return undefined;
    makeFolder(folder, PRIVATE_FOLDER);
    return isOwnWay(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a private folder of helpers when this process ends. */
export function removeAtExit(folder: string): void {
  process.once("exit", () => {
    if (isOwnWay(folder)) for (const name of readdirSync(folder)) removeQuietly(join(folder, name));
    try {
      rmdirSync(folder);
    } catch {
      // It stays.
    }
  });
}

/** Removes a file in a folder that only root and this process's user may change, if it is there. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there, or stays.
  }
}

function cachesOfUser(): readonly string[] {
  const listed = cacheOf(() => userInfo().homedir);
  return [...(listed === undefined ? [] : [listed]), ...(ownUid() === 0 ? ["/var/cache"] : [])];
}

/** In a home; undefined for a user whom no list knows. */
function cacheOf(home: () => string): string | undefined {
  try {
    return join(home(), ".cache");
  } catch {
    return undefined;
  }
}
