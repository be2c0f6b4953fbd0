import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../base/errno.ts";
import { UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";

/**
 * Opens a regular file for reading. UsageError `file-missing`, `file-not-regular` (folder, pipe, device), FailedError
 * `file-unreadable`.
 */
export async function openRegular(path: string): Promise<{ handle: FileHandle; size: number }> {
  if (path === "") throw new UsageError("file-missing", "the name of the file is empty", { path });
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK opening a named pipe would block until another process writes to it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT")
      throw new UsageError("file-missing", `${path}: there is no such file`, { path }, error);
    throw systemError("file-unreadable", `${path} cannot be read`, error, { path, errno });
  }
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, size: stat.size };
  await handle.close();
  const kind = stat.isDirectory() ? "a folder" : "a pipe, socket or device";
  throw new UsageError("file-not-regular", `${path} is ${kind}; a plain file is needed`, { path });
}

/** Fills `buffer` from `position` and returns the number of bytes read: fewer at the end of the file. */
export async function readFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** Writes all of `bytes` at the handle's position. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}
