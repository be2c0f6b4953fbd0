import { randomBytes } from "node:crypto";
import { fromHex, toHex } from "../base/bytes.ts";
import { errnoOf } from "../base/errno.ts";
import { FailedError, UsageError } from "../base/errors.ts";
import { writeKeyFile } from "./key-file.ts";
import { isSharedMode } from "./rights.ts";
import { readWholeFile, type WholeFile } from "./whole-file.ts";
import { WriteGuard } from "./write-guard.ts";

/** Bytes of a link key. Fewer could be guessed, more add nothing. */
export const LINK_KEY_MIN = 16;
export const LINK_KEY_MAX = 1024;
/** Bytes of a key that `keygen` makes: as many as the MAC's key has. */
const FRESH_LENGTH = 32;
/** Longest file that is read, in bytes: the longest key in hexadecimal, in short lines. */
const FILE_MAX = 4 * LINK_KEY_MAX;

/**
 * Reads the pre-shared key of a link: an even number of 32 or more hexadecimal digits are decoded, else the file's
 * bytes are the key. Warns when other users may read the file. UsageError: `link-key-missing`,
 * `link-key-not-file`, `link-key-length`, `link-key-is-pem`; FailedError `link-key-unreadable`, and
 * `writable-by-others` of the guard.
 */
export function readLinkKey(
  path: string,
  warn: (text: string) => void = () => {},
  guard: WriteGuard = new WriteGuard({ warn }),
): Uint8Array {
  const { bytes, stat } = readSecret(path);
  const text = Buffer.from(bytes).toString("latin1").trim();
  if (text.startsWith("-----BEGIN")) {
    const message = `${path} is a PEM file, which holds a key for signatures, not a link key`;
    throw new UsageError("link-key-is-pem", message, { path });
  }
  const decoded = text.length >= 2 * LINK_KEY_MIN && /^[0-9a-fA-F]+$/.test(text) ? fromHex(text) : undefined;
  const key = decoded ?? bytes;
  if (key.length >= LINK_KEY_MIN && key.length <= LINK_KEY_MAX) {
    guard.checkFile(path, stat);
    if (isSharedMode(stat.mode)) {
      warn(`${path}: others on this machine may read this link key; fix: chmod 600 ${path}`);
    }
    return key;
  }
  const message = `${path} holds ${key.length} bytes; a link key has ${LINK_KEY_MIN} to ${LINK_KEY_MAX}, or twice as many hexadecimal digits`;
  throw new UsageError("link-key-length", message, { path, length: key.length });
}

/**
 * Writes a new link key of 32 bytes as hexadecimal text, mode 0600. Never overwrites: UsageError `key-exists`,
 * `key-folder-missing`; FailedError `key-not-written`.
 */
export function writeFreshLinkKey(path: string): void {
  writeLinkKey(path, randomBytes(FRESH_LENGTH));
}

/** Writes this key as {@link writeFreshLinkKey} does. */
export function writeLinkKey(path: string, key: Uint8Array): void {
  writeKeyFile(path, `${toHex(key)}\n`, 0o600);
}

function readSecret(path: string): WholeFile & { readonly tag: "file" } {
  let found: WholeFile;
  try {
    found = readWholeFile(path, FILE_MAX);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") {
      throw new UsageError("link-key-missing", `${path}: there is no such file`, { path }, error);
    }
    throw new FailedError("link-key-unreadable", `${path}: cannot be read (${errno})`, { path }, error);
  }
  if (found.tag === "not-file") {
    throw new UsageError("link-key-not-file", `${path} is not a file`, { path });
  }
  if (found.tag === "file") return found;
  const { size: length } = found;
  const message = `${path} has ${length} bytes; link key files have at most ${FILE_MAX}`;
  throw new UsageError("link-key-length", message, { path, length });
}
