import { randomBytes } from "node:crypto";
import { fromHex, toHex } from "../base/bytes.ts";
import { errnoOf } from "../base/errno.ts";
import { UsageError } from "../base/errors.ts";
import { systemError } from "../base/system-error.ts";
import { type ContentKind, TAIL_LENGTH } from "../content/content-kind.ts";
import { KeyKind } from "../content/key-kinds.ts";
import { isTextStart, recognise } from "../content/recognise.ts";
import { writeKeyFile } from "./key-file.ts";
import { notRandom } from "./random-bytes.ts";
import { isSharedMode } from "./rights.ts";
import { readWholeFile, type WholeFile } from "./whole-file.ts";
import { WriteGuard } from "./write-guard.ts";

/** Bytes of a link key. Fewer could be guessed, more add nothing. */
export const LINK_KEY_MIN = 16;
export const LINK_KEY_MAX = 1024;
/** Bytes of a key that `keygen` makes: as many as the MAC's key has. */
const FRESH_LENGTH = 32;
/** Longest file that is read, in bytes: the longest key in hexadecimal, and white space. */
const FILE_MAX = 4 * LINK_KEY_MAX;

/** Kinds that a link key may look like. */
const BARE: readonly ContentKind[] = [KeyKind.hexKey, KeyKind.base64Key, KeyKind.rawKey];

/** How to make a key without this program. */
const RECIPE = "make one with: openssl rand -hex 32 > link.key";

/**
 * Reads the pre-shared key of a link: 32 to 2048 hexadecimal digits, an even number, with nothing but white space around
 * them; or 16 to 1024 bytes that look random (`notRandom`). Text is refused: a key is not stretched, so that a pass phrase
 * could be guessed from one recorded handshake. Warns when other users may read the file. UsageError: `link-key-missing`,
 * `link-key-not-file`, `link-key-length`, `link-key-is-pem`, `link-key-foreign`,
 * `link-key-text`, `link-key-pattern`; FailedError
 * `link-key-unreadable`, and `writable-by-others` of the guard.
 */
export function readLinkKey(
  path: string,
  warn: (text: string) => void = () => {},
  guard: WriteGuard = new WriteGuard({ warn }),
): Uint8Array {
  const { bytes, stat } = readSecret(path);
  const text = Buffer.from(bytes)
    .toString("latin1")
    .replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (text.startsWith("-----BEGIN")) {
    const message = `${path} is a PEM file, which holds a key for signatures, not a link key; ${RECIPE}`;
    throw new UsageError("link-key-is-pem", message, { path });
  }
  refuseOther(path, bytes);
  const key = /^[0-9a-fA-F]+$/.test(text) ? keyOfDigits(path, text) : rawKey(path, bytes);
  guard.checkFile(path, stat);
  if (isSharedMode(stat.mode)) {
    warn(`${path}: others on this machine may read this link key; fix: chmod 600 ${path}`);
  }
  return key;
}

/** A key for signatures, or a file of another kind, is random enough to be taken for a link key, and would be copied. */
function refuseOther(path: string, bytes: Uint8Array): void {
  const tail = bytes.subarray(Math.max(0, bytes.length - TAIL_LENGTH));
  const kind = recognise({ head: bytes, tail, size: bytes.length });
  // Texts are refused as such.
  if (kind === undefined || BARE.includes(kind) || isTextStart(bytes)) return;
  const message = `${path} holds ${kind.name}, not a link key; ${RECIPE}`;
  throw new UsageError("link-key-foreign", message, { path, form: kind.id });
}

/** Short digits may be meant as bytes of a pass phrase, too: neither is a key. */
function keyOfDigits(path: string, text: string): Uint8Array {
  const { length } = text;
  const key = length >= 2 * LINK_KEY_MIN && length <= 2 * LINK_KEY_MAX ? fromHex(text) : undefined;
  if (key !== undefined) return key;
  const message =
    `${path} holds ${length} hexadecimal digits; a link key has an even number of ${2 * LINK_KEY_MIN} to ` +
    `${2 * LINK_KEY_MAX}; ${RECIPE}`;
  throw new UsageError("link-key-length", message, { path, length });
}

/** Says nothing of what the file holds but its kind and length: it may be a secret of another kind. */
function rawKey(path: string, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length < LINK_KEY_MIN || length > LINK_KEY_MAX) {
    const message = `${path} holds ${length} bytes; a link key has ${LINK_KEY_MIN} to ${LINK_KEY_MAX}, or twice as many hexadecimal digits; ${RECIPE}`;
    throw new UsageError("link-key-length", message, { path, length });
  }
  switch (notRandom(bytes)) {
    case undefined:
      return bytes;
    case "text": {
      const message = `${path} holds text of ${length} bytes that is not hexadecimal throughout; a link key is random bytes, or hexadecimal digits and nothing else, never a pass phrase; ${RECIPE}`;
      throw new UsageError("link-key-text", message, { path, length });
    }
    case "pattern": {
      const message = `${path} holds ${length} bytes that repeat a few values; a link key is random bytes, or their hexadecimal digits; ${RECIPE}`;
      throw new UsageError("link-key-pattern", message, { path, length });
    }
  }
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
    throw systemError("link-key-unreadable", `${path} cannot be read`, error, { path });
  }
  if (found.tag === "not-file") {
    throw new UsageError("link-key-not-file", `${path} is not a file`, { path });
  }
  if (found.tag === "file") return found;
  const { size: length } = found;
  const message = `${path} has ${length} bytes; link key files have at most ${FILE_MAX}`;
  throw new UsageError("link-key-length", message, { path, length });
}
