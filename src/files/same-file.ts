import { lstatSync, unlinkSync } from "node:fs";

/** What a file is, whatever its name: device and inode, as a status with `bigint` gives them. */
export interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Removes the name `path` if it is still this file's: what others put there meanwhile stays. Says nothing when it
 * cannot: it is for the way out of another error.
 */
export function removeIfSame(path: string, file: FileId): void {
  try {
    const now = lstatSync(path, { bigint: true });
    if (now.dev === file.dev && now.ino === file.ino) unlinkSync(path);
  } catch {
    // It is gone, or stays.
  }
}
