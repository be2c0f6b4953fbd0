import { renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { MaydayError, UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { keyAt } from "./file-content.ts";
import { OpenFolder } from "./open-folder.ts";
import { removeIfSame } from "./same-file.ts";
import { clearStaleTemps } from "./stale-temps.ts";
import { beginTemp, endTemp } from "./temp-name.ts";
import { writeBeside } from "./write-beside.ts";

/** Mode of what is written: others may read it, as far as the umask lets them, and never write it. */
const MODE = 0o644;

/**
 * Creates or replaces the file at `path` in one step: `fill` writes a temporary file beside it, which is then synced
 * and renamed. If that fails, `path` is unchanged and nothing is left behind. A link at `path` is replaced, never
 * followed. A key is never replaced. UsageError `out-folder-missing`, `out-not-file`, `out-is-key`; FailedError `write-failed`, `foreign-link` (`OpenFolder`);
 * errors of `fill` pass through.
 */
export async function writeAtomically(
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  let folder: OpenFolder | undefined;
  try {
    await refuseNonFile(path);
    folder = OpenFolder.open(dirname(target));
    clearStaleTemps(folder);
    await replaceIn(folder, basename(target), fill);
  } catch (error) {
    throw writeError(path, error);
  } finally {
    folder?.close();
  }
}

async function replaceIn(
  folder: OpenFolder,
  name: string,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temp = beginTemp();
  try {
    const handle = await open(folder.at(temp), "wx", MODE);
    try {
      await fill(handle);
      await handle.sync();
      await rename(folder.at(temp), folder.at(name));
    } catch (error) {
      removeIfSame(folder.at(temp), await handle.stat({ bigint: true }));
      throw error;
    } finally {
      await handle.close();
    }
    folder.sync();
  } finally {
    endTemp(temp);
  }
}

/**
 * Creates or replaces a short file in one step, with this mode whatever the umask. A failure leaves what was there. Errors of
 * the operating system pass through, and `foreign-link` (`OpenFolder`).
 */
export function replaceFileSync(path: string, content: string, mode: number): void {
  inFolderOf(path, (folder, name) => {
    writeBeside(folder, name, content, mode, (at, temp) => renameSync(at.at(temp), at.at(name)));
  });
}

/** Removes a file durably, if it is there. Errors of the operating system pass through, and `foreign-link`. */
export function removeFileSync(path: string): void {
  inFolderOf(path, (folder, name) => {
    if (folder.look(name) !== undefined) unlinkSync(folder.at(name));
    folder.sync();
  });
}

function inFolderOf(path: string, work: (folder: OpenFolder, name: string) => void): void {
  const target = resolve(path);
  const folder = OpenFolder.open(dirname(target));
  try {
    work(folder, basename(target));
  } finally {
    folder.close();
  }
}

async function refuseNonFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isFile()) {
    const message = `${path} exists and is not a plain file; choose another name`;
    throw new UsageError("out-not-file", message, { path });
  }
  const key = keyAt(path);
  if (key === undefined) return;
  const message = `${path} exists and holds ${key.name}; keys are never overwritten: choose another name`;
  throw new UsageError("out-is-key", message, { path, form: key.id });
}

function writeError(path: string, error: unknown): unknown {
  if (error instanceof MaydayError) return error;
  const errno = errnoOf(error);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    const folder = dirname(resolve(path));
    return new UsageError(
      "out-folder-missing",
      `${basename(path)}: folder ${folder} does not exist`,
      { path },
      error,
    );
  }
  // Only errors of the operating system are reworded; a bug keeps its own error.
  if (errno === "unknown error") return error;
  return systemError("write-failed", `${path} cannot be written`, error, { path, errno });
}
