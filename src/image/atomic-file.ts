import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { toHex } from "../base/bytes.ts";
import { FailedError, MaydayError, UsageError } from "../base/errors.ts";
import { errnoOf } from "./file-errors.ts";
import { sha256 } from "./hash.ts";

/** .mayday-HOST-PID-RANDOM.tmp: says who may still be writing it. */
const TEMP_NAME = /^\.mayday-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** Temporary files that this process is writing now. */
const active = new Set<string>();

function hostTag(): string {
  return toHex(sha256(Buffer.from(hostname(), "utf8")).subarray(0, 4));
}

/** Whether a file name is one of our temporary files. */
export function isTempName(name: string): boolean {
  return TEMP_NAME.test(name);
}

/**
 * Whether a temporary file was left behind by a writer that is gone. Files of other hosts are never stale: on network
 * storage their writer cannot be asked.
 */
export function isStaleTemp(name: string): boolean {
  const match = TEMP_NAME.exec(name);
  if (match === null || match[1] !== hostTag()) return false;
  const pid = Number(match[2]);
  if (pid === process.pid) return !active.has(name);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}

/**
 * Creates or replaces the file at `path` in one step: `fill` writes a temporary file beside it, which is then synced
 * and renamed. On any failure `path` is as it was and nothing is left behind. UsageError `out-folder-missing`,
 * `out-not-file`; FailedError `write-failed`; errors of `fill` pass through.
 */
export async function writeAtomically(
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  await refuseNonFile(path);
  const name = `.mayday-${hostTag()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  const temp = join(dirname(target), name);
  active.add(name);
  try {
    const handle = await open(temp, "wx");
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  } finally {
    active.delete(name);
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
  // Only errors of the operating system: a bug of ours keeps its own shape.
  if (errno === "unknown error") return error;
  return new FailedError("write-failed", `${path}: cannot be written (${errno})`, { path, errno }, error);
}

/** Makes a rename or removal in `folder` survive a power cut, where the file system can do so. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows and some network file systems cannot sync a folder.
  }
}
