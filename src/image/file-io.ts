import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { FailedError, UsageError } from "../base/errors.ts";
import { errnoOf } from "./file-errors.ts";
import { BlockDigester, type DigestedBlocks } from "./image-source.ts";
import { blockLength, leafCountOf } from "./manifest.ts";

/** About as much as is read at once, in octets. */
const READ_CHUNK = 262_144;

/**
 * Opens a regular file for reading. UsageError `file-missing`, `file-not-regular` (folder, pipe, device), FailedError
 * `file-unreadable`.
 */
export async function openRegular(path: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK a named pipe would hold us until somebody writes to it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT")
      throw new UsageError("file-missing", `${path}: there is no such file`, { path }, error);
    throw new FailedError("file-unreadable", `${path}: cannot be read (${errno})`, { path, errno }, error);
  }
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, size: stat.size };
  await handle.close();
  const kind = stat.isDirectory() ? "a folder" : "a pipe, socket or device";
  throw new UsageError("file-not-regular", `${path} is ${kind}; a plain file is needed`, { path });
}

/** Fills `buffer` from `position`; fewer octets than asked for mean the end of the file. */
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

/** Hashes `size` octets from `offset`, once, holding about 256 KiB of them. FailedError `file-changed` if some are gone. */
export async function digestFile(
  path: string,
  handle: FileHandle,
  offset: number,
  size: number,
  blockSize: number,
): Promise<DigestedBlocks> {
  const digester = new BlockDigester(size, blockSize);
  const blocksAtOnce = Math.max(1, Math.floor(READ_CHUNK / blockSize));
  const buffer = new Uint8Array(blocksAtOnce * blockSize);
  const count = leafCountOf(size, blockSize);
  for (let index = 0; index < count; index += blocksAtOnce) {
    const start = index * blockSize;
    const chunk = buffer.subarray(0, Math.min(buffer.length, size - start));
    if ((await readFully(handle, chunk, offset + start)) < chunk.length) {
      throw new FailedError("file-changed", `${path} became shorter while it was read`, { path });
    }
    for (let i = index; i < Math.min(index + blocksAtOnce, count); i++) {
      const at = (i - index) * blockSize;
      digester.push(chunk.subarray(at, at + blockLength({ size, blockSize }, i)));
    }
  }
  return digester.finish();
}
