import { type Stats, statSync } from "node:fs";
import { errnoOf } from "../../base/errno.ts";
import { UsageError } from "../../base/errors.ts";
import { systemError } from "../../base/system-error.ts";
import { readWholeFile, type WholeFile } from "../../files/whole-file.ts";
import type { WriteGuard } from "../../files/write-guard.ts";
import { decodeUtf8 } from "../../image/utf8.ts";

/** Longest configuration that is read, in bytes. */
export const CONFIG_FILE_MAX = 65_536;

/**
 * Reads the text of a node's configuration: UTF-8, with or without a byte order mark. UsageError `config-missing`,
 * `config-not-file`, `config-too-long`, `config-not-text`; FailedError `config-unreadable`, and `writable-by-others` of
 * the guard when others may write the file, or exchange it on the way to it.
 */
export function readConfigFile(path: string, guard: WriteGuard): { text: string; stat: Stats } {
  const found = openConfig(path);
  if (found.tag === "not-file") throw notFile(path);
  if (found.tag === "too-long") {
    const message = `${path} has ${found.size} bytes; a configuration has at most ${CONFIG_FILE_MAX}`;
    throw new UsageError("config-too-long", message, { path, size: found.size });
  }
  guard.checkFile(path, found.stat);
  return { text: textOf(path, found.bytes), stat: found.stat };
}

function openConfig(path: string): WholeFile {
  try {
    return readWholeFile(path, CONFIG_FILE_MAX);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") {
      throw new UsageError("config-missing", `${path}: there is no such file`, { path }, error);
    }
    // A socket, or a device without a driver.
    if (errno === "ENXIO") return { tag: "not-file" };
    throw systemError("config-unreadable", `${path} cannot be read`, error, { path, errno });
  }
}

function notFile(path: string): UsageError {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const message = isFolder
    ? `${path} is a folder; name the file in it`
    : `${path} is a pipe, socket or device; a configuration is a plain file`;
  return new UsageError("config-not-file", message, { path });
}

function textOf(path: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw notText(path, "", "this is UTF-16; save it as UTF-8");
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw notText(path, decoded(bytes.subarray(0, nul)), "a NUL byte; this is not a text file");
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text.replace(/^\ufeff/, "");
  const [above = ""] = decoded(bytes).split("\ufffd", 1);
  throw notText(path, above, "this is not UTF-8; save the file as UTF-8");
}

/** What is not UTF-8 becomes U+FFFD. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function notText(path: string, above: string, what: string): UsageError {
  const lines = above.split("\n");
  const column = (lines.at(-1)?.length ?? 0) + 1;
  const message = `${path}:${lines.length}:${column}: ${what}`;
  return new UsageError("config-not-text", message, { path, line: lines.length, column });
}
