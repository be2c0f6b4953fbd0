/** How the characters of a text are coded. Everything else is taken for one byte a character. */
export type TextEncoding = "bytes" | "utf-8-mark" | "utf-16le" | "utf-16be";

/** What stands for a character that is not ASCII when UTF-16 is turned into bytes: "?", which no format here uses. */
const NOT_ASCII = 0x3f;
/** Characters that are looked at to tell UTF-16 without a mark. */
const SAMPLE = 512;
/** Fewest characters of UTF-16 without a mark. */
const SAMPLE_MIN = 8;

/** Whether a byte occurs in a text file: Ctrl-Z ends those of DOS. */
function isTextByte(byte: number): boolean {
  if (byte >= 0x20) return byte !== 0x7f;
  return byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d || byte === 0x1a;
}

/** How a text is coded, from its mark or, for UTF-16, from every other byte being zero. */
export function textEncoding(head: Uint8Array): TextEncoding {
  const [first, second, third] = head;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8-mark";
  if (first === 0xff && second === 0xfe && isWide(head.subarray(2), 1)) return "utf-16le";
  if (first === 0xfe && second === 0xff && isWide(head.subarray(2), 0)) return "utf-16be";
  if (head.length >= 2 * SAMPLE_MIN && isWide(head, 1)) return "utf-16le";
  if (head.length >= 2 * SAMPLE_MIN && isWide(head, 0)) return "utf-16be";
  return "bytes";
}

/** Whether nine in ten of the first characters have a zero at `high` and a text byte beside it. */
function isWide(bytes: Uint8Array, high: 0 | 1): boolean {
  const count = Math.min(SAMPLE, bytes.length >>> 1);
  let narrow = 0;
  for (let i = 0; i < count; i++) {
    if (bytes[2 * i + high] === 0 && isTextByte(bytes[2 * i + 1 - high] ?? 0)) narrow++;
  }
  return count > 0 && narrow >= 0.9 * count;
}

/**
 * A text with one byte a character and without a mark. What is not ASCII in UTF-16 becomes "?". Other bytes are a view.
 */
export function plainText(bytes: Uint8Array, encoding: TextEncoding): Uint8Array {
  if (encoding === "bytes") return bytes;
  if (encoding === "utf-8-mark") return bytes.subarray(3);
  const high = encoding === "utf-16le" ? 1 : 0;
  const hasMark = bytes[high] === 0xfe && bytes[1 - high] === 0xff;
  const from = hasMark ? 2 : 0;
  // Half a character at the end is damage, and shows as such.
  const out = new Uint8Array(Math.ceil((bytes.length - from) / 2)).fill(NOT_ASCII);
  for (let i = 0; from + 2 * i + 1 < bytes.length; i++) {
    const low = bytes[from + 2 * i + 1 - high] ?? 0;
    if (bytes[from + 2 * i + high] === 0 && low < 0x80) out[i] = low;
  }
  return out;
}

/** Whether all bytes may stand in a text of one byte a character. */
export function isText(bytes: Uint8Array): boolean {
  return bytes.every(isTextByte);
}

/** Each byte as the character with its number. */
export function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  }
  return parts.join("");
}
