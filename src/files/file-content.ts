import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import {
  type Content,
  type ContentKind,
  HEAD_LENGTH,
  TAIL_LENGTH,
  TEXT_HEAD_LENGTH,
} from "../content/content-kind.ts";
import { KeyKind } from "../content/key-kinds.ts";
import { isTextStart, recognise } from "../content/recognise.ts";

/** The start and the end of what an open file holds from `from` on, `size` bytes: at most 1 MiB is read. */
export function readContent(fd: number, size: number, from = 0): Content {
  const start = readAt(fd, from, Math.min(size, HEAD_LENGTH));
  const isLongText = size > HEAD_LENGTH && isTextStart(start);
  const head = isLongText ? readAt(fd, from, Math.min(size, TEXT_HEAD_LENGTH)) : start;
  const tailLength = Math.min(size, TAIL_LENGTH);
  return { head, tail: readAt(fd, from + size - tailLength, tailLength), size };
}

/** Longest file that is read to see whether it has one value: as much as a chip for firmware holds. */
const ONE_VALUE_MAX = 67_108_864;

/** Whether all `size` bytes of an open file have the value of the first one. Of larger files than 64 MiB it is not known. */
export function isOneValue(fd: number, size: number): boolean {
  if (size > ONE_VALUE_MAX) return false;
  const [value] = readAt(fd, 0, 1);
  for (let at = 0; at < size; at += HEAD_LENGTH) {
    if (!readAt(fd, at, Math.min(HEAD_LENGTH, size - at)).every((byte) => byte === value)) return false;
  }
  return true;
}

/** Fewer bytes where the file ends before. */
function readAt(fd: number, position: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, out, filled, length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return out.subarray(0, filled);
}

/**
 * Which kind of key or certificate the file at `path` holds; undefined if it holds none, is not a plain file or cannot be read.
 * Random bytes alone do not count: they may be anything. What writes to a name that a user gave asks here first.
 */
export function keyAt(path: string): ContentKind | undefined {
  let fd: number;
  try {
    // Opening a serial port would move its lines.
    if (!statSync(path).isFile()) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    const kind = stat.isFile() ? recognise(readContent(fd, stat.size)) : undefined;
    return kind?.group === "key" && kind !== KeyKind.rawKey ? kind : undefined;
  } finally {
    closeSync(fd);
  }
}
