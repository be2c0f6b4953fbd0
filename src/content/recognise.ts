import { binaryKind } from "./binary-kinds.ts";
import type { Content, ContentKind } from "./content-kind.ts";
import { keyBytesKind, keyTextKind } from "./key-content.ts";
import { isText, latin1, plainText, textEncoding } from "./text-encoding.ts";
import { textKind } from "./text-kinds.ts";

/**
 * What a file holds: a key, an image file, firmware in a format with addresses, or something that is no firmware; undefined for
 * what may be raw firmware. Keys come first. Works in time linear in the head of the file, and never throws.
 */
export function recognise(content: Content): ContentKind | undefined {
  const { head, size } = content;
  const encoding = textEncoding(head);
  const plain = plainText(head, encoding);
  const isWide = encoding === "utf-16le" || encoding === "utf-16be";
  if (!isWide && !isText(plain)) {
    return keyBytesKind(head, size) ?? binaryKind(content) ?? mixedKind(plain);
  }
  const text = latin1(plain);
  return keyTextKind(text) ?? binaryKind(content) ?? textKind(text, encoding, size <= head.length);
}

/** Whether the first bytes of a file look like text, so that more of it should be looked at. */
export function isTextStart(head: Uint8Array): boolean {
  return isText(plainText(head, textEncoding(head)));
}

/** Records followed by bytes that are not text, as padding leaves them; and PEM text beside such bytes, at the start. */
function mixedKind(plain: Uint8Array): ContentKind | undefined {
  const end = plain.findIndex((byte) => byte === 0 || byte >= 0x80);
  const start = latin1(plain.subarray(0, end < 0 ? plain.length : end));
  const key = /^\s*-----BEGIN/.test(start) ? keyTextKind(latin1(plain)) : undefined;
  if (key !== undefined) return key;
  return /^\s*:[0-9A-Fa-f]{10,}[ \t]*[\r\n]|^S[0-9](?:[0-9A-Fa-f]{2}){3,}[ \t]*[\r\n]/.test(start)
    ? textKind(start, "bytes", false)
    : undefined;
}
