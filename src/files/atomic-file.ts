import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { syncFolder } from "./durable-file.ts";
import { beginTemp, clearStaleTemps, endTemp } from "./temp-name.ts";

/**
 * Creates or replaces the file at `path` in one step: `fill` writes a temporary file beside it, which is then synced
 * and renamed. If that fails, `path` is unchanged and nothing is left behind. UsageError `out-folder-missing`,
 * `out-not-file`; FailedError `write-failed`; errors of `fill` pass through.
 */
export async function writeAtomically(
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  await refuseNonFile(path);
  clearStaleTemps(dirname(target));
  const name = beginTemp();
  const temp = join(dirname(target), name);
  try {
    const handle = await open(temp, "wx");
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, target);
    syncFolder(dirname(target));
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  } finally {
    endTemp(name);
  }
}

async function refuseNonFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new UsageError("out-not-file", `${path} exists and is not a plain file; choose another name`, {
    path,
  });
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
  return new FailedError("write-failed", `${path}: cannot be written (${errno})`, { path, errno }, error);
}
