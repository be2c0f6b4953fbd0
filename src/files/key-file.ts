import { linkSync, renameSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { OpenFolder } from "./open-folder.ts";
import type { FileId } from "./same-file.ts";
import { writeBeside } from "./write-beside.ts";

/**
 * Writes a key file with this mode, whatever the umask, complete or not at all, and synced: under a temporary name
 * first, because a file that is created and then written may be left half written. Never overwrites: UsageError
 * `key-exists`, `key-folder-missing`; FailedError `key-not-written`, `foreign-link` (`OpenFolder`). Returns what was
 * written, for `removeIfSame`.
 */
export function writeKeyFile(path: string, text: string, mode: number): FileId {
  let folder: OpenFolder | undefined;
  const target = resolve(path);
  try {
    folder = OpenFolder.open(dirname(target));
    return writeBeside(folder, basename(target), text, mode, putInPlace);
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof MaydayError) throw error;
    if (errno === "EEXIST") throw keyExists(path);
    if (errno === "ENOENT")
      throw new UsageError("key-folder-missing", `${path}: its folder does not exist`, {}, error);
    throw systemError("key-not-written", `${path} cannot be written`, error, { path });
  } finally {
    folder?.close();
  }
}

/** What file systems without hard links say: FAT, exFAT and network mounts, by the kernel or by a program behind FUSE. */
const WITHOUT_LINKS: readonly string[] = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];

/** A link never replaces an existing file. A rename would, but some file systems have no links. */
function putInPlace(folder: OpenFolder, temp: string, name: string): void {
  try {
    linkSync(folder.at(temp), folder.at(name));
  } catch (error) {
    if (!WITHOUT_LINKS.includes(errnoOf(error)) || folder.look(name) !== undefined) throw error;
    renameSync(folder.at(temp), folder.at(name));
  }
}

/** The error for a key file that exists. */
export function keyExists(path: string): UsageError {
  return new UsageError("key-exists", `${path} exists; keys are never overwritten: choose another name`, {
    path,
  });
}
