import { binaryKind } from "./binary-kinds.ts";
import type { Content, ContentKind } from "./content-kind.ts";
import { keyBytesKind, keyTextKind } from "./key-content.ts";
import { leftoverKind } from "./leftover-text.ts";
import { pemBlocks } from "./pem.ts";
import { isText, isWide, latin1, plainText, textEncoding } from "./text-encoding.ts";
import { textKind } from "./text-kinds.ts";

/** Fewest characters of text at the start of other bytes that say what a file is. */
const LEFTOVER_MIN = 6;
/** Longest file with other bytes than text that is looked through for a key: twice the longest that is read as one. */
const KEY_MAX = 32_768;

/**
 * What a file holds: a key, an image file, firmware in a format with addresses, or something that is no firmware; undefined for
 * what may be raw firmware. Keys come first. Works in time linear in the head of the file, and never throws.
 */
export function recognise(content: Content): ContentKind | undefined {
  const { head, size } = content;
  const encoding = textEncoding(head);
  const plain = plainText(head, encoding);
  if (!isWide(encoding) && !isText(plain)) {
    return keyBytesKind(head, size) ?? binaryKind(content) ?? mixedKind(plain);
  }
  const text = latin1(plain);
  return keyTextKind(text) ?? binaryKind(content) ?? textKind(text, encoding, size <= head.length);
}

/** Whether the first bytes of a file look like text, so that more of it should be looked at. */
export function isTextStart(head: Uint8Array): boolean {
  return isText(plainText(head, textEncoding(head)));
}

/** Whether blocks of private keys are at least half of a file, which other bytes then only dirty. Firmware may hold a key, too. */
function isMostlyKey(plain: Uint8Array): boolean {
  if (plain.length > KEY_MAX) return false;
  const keys = pemBlocks(latin1(plain)).filter(({ label }) => label.includes("PRIVATE KEY"));
  return 2 * keys.reduce((sum, { text }) => sum + text.length, 0) >= plain.length;
}

/** Records followed by bytes that are not text, as padding leaves them; and PEM text beside such bytes, at the start. */
function mixedKind(plain: Uint8Array): ContentKind | undefined {
  const end = plain.findIndex((byte) => byte === 0 || byte >= 0x80);
  const start = latin1(plain.subarray(0, end < 0 ? plain.length : end));
  if (/^\s*-----BEGIN/.test(start) || isMostlyKey(plain)) {
    const key = keyTextKind(latin1(plain));
    if (key !== undefined) return key;
  }
  // A page or a pointer with a few other bytes in it: colours of a terminal, half a character at the end.
  const leftover = start.length >= LEFTOVER_MIN ? leftoverKind(start) : undefined;
  if (leftover !== undefined) return leftover;
  return /^\s*:[0-9A-Fa-f]{10,}[ \t]*[\r\n]|^S[0-9](?:[0-9A-Fa-f]{2}){3,}[ \t]*[\r\n]/.test(start)
    ? textKind(start, "bytes", false)
    : undefined;
}
