import type { FileHandle } from "node:fs/promises";
import { FailedError } from "../base/errors.ts";
import { readFully } from "../files/regular-file.ts";
import { BlockDigester, type DigestedBlocks } from "../image/image-source.ts";
import { blockLength, leafCountOf } from "../image/manifest.ts";

/** Bytes read at once, about: whole blocks. */
const READ_CHUNK = 262_144;

/**
 * Hashes `size` bytes from `offset`, in pieces of about 256 KiB. FailedError `file-changed` if the file ends before.
 */
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
      throw new FailedError("file-changed", `${path} was cut short while it was read`, { path });
    }
    for (let i = index; i < Math.min(index + blocksAtOnce, count); i++) {
      const at = (i - index) * blockSize;
      digester.push(chunk.subarray(at, at + blockLength({ size, blockSize }, i)));
    }
  }
  return digester.finish();
}
