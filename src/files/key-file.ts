import { existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError, UsageError } from "../base/errors.ts";
import { syncFolder, writeNewFile } from "./durable-file.ts";
import { beginTemp, endTemp } from "./temp-name.ts";

/**
 * Writes a key file, complete or not at all, and synced: under a temporary name first, because a file that is created
 * and then written may be left half written. Never overwrites: UsageError `key-exists`, `key-folder-missing`;
 * FailedError `key-not-written`.
 */
export function writeKeyFile(path: string, text: string, mode: number): void {
  const name = beginTemp();
  const temp = join(dirname(path), name);
  try {
    writeNewFile(temp, text, mode);
    putInPlace(temp, path);
    syncFolder(dirname(path));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST") throw keyExists(path);
    if (errno === "ENOENT")
      throw new UsageError("key-folder-missing", `${path}: its folder does not exist`, {}, error);
    throw new FailedError("key-not-written", `${path}: cannot be written (${errno})`, { path }, error);
  } finally {
    removeTemp(temp);
    endTemp(name);
  }
}

/** Keeps the original error: a failed cleanup must not hide it. */
function removeTemp(temp: string): void {
  try {
    rmSync(temp, { force: true });
  } catch {
    // If the folder is missing, so is the file.
  }
}

/** A link never replaces an existing file. A rename would, but FAT has no links. */
function putInPlace(temp: string, path: string): void {
  try {
    linkSync(temp, path);
  } catch (error) {
    if (errnoOf(error) !== "EPERM" || existsSync(path)) throw error;
    renameSync(temp, path);
  }
}

/** The error for a key file that exists. */
export function keyExists(path: string): UsageError {
  return new UsageError("key-exists", `${path} exists; keys are never overwritten: choose another name`, {
    path,
  });
}
