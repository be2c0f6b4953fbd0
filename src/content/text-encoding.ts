/** How the characters of a text are coded. Everything else is taken for one byte a character. */
export type TextEncoding = "bytes" | "utf-8-mark" | WideEncoding;
export type WideEncoding = "utf-16le" | "utf-16be" | "utf-32le" | "utf-32be";

/** Bytes of a character, and which of them holds ASCII; the others are zero. */
const WIDE: Readonly<Record<WideEncoding, { readonly width: 2 | 4; readonly low: number }>> = {
  "utf-32le": { width: 4, low: 0 },
  "utf-32be": { width: 4, low: 3 },
  "utf-16le": { width: 2, low: 0 },
  "utf-16be": { width: 2, low: 1 },
};

/** What stands for a character that is not ASCII when UTF-16 or UTF-32 is turned into bytes: "?", which no format here uses. */
const NOT_ASCII = 0x3f;
/** Characters that are looked at to tell UTF-16 and UTF-32 without a mark. */
const SAMPLE = 512;
/** Fewest characters of UTF-16 and UTF-32 without a mark. */
const SAMPLE_MIN = 8;

/** Whether a byte occurs in a text file: Ctrl-Z ends those of DOS. */
function isTextByte(byte: number): boolean {
  if (byte >= 0x20) return byte !== 0x7f;
  return byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d || byte === 0x1a;
}

/** Whether the characters of a text take more than one byte. */
export function isWide(encoding: TextEncoding): encoding is WideEncoding {
  return encoding !== "bytes" && encoding !== "utf-8-mark";
}

/** How a text is coded, from its mark or, for UTF-16 and UTF-32, from the zeros beside each character. */
export function textEncoding(head: Uint8Array): TextEncoding {
  const [first, second, third] = head;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8-mark";
  // UTF-32 first: its mark begins as that of UTF-16.
  for (const encoding of Object.keys(WIDE) as WideEncoding[]) {
    const { width } = WIDE[encoding];
    const from = hasMark(head, encoding) ? width : 0;
    const isLong = from > 0 || head.length >= width * SAMPLE_MIN;
    if (isLong && isSpread(head.subarray(from), encoding)) return encoding;
  }
  return "bytes";
}

/** U+FEFF at the start. */
function hasMark(bytes: Uint8Array, encoding: WideEncoding): boolean {
  const { width, low } = WIDE[encoding];
  const high = low === 0 ? 1 : low - 1;
  return (
    bytes.length >= width &&
    bytes.subarray(0, width).every((byte, i) => byte === (i === low ? 0xff : i === high ? 0xfe : 0))
  );
}

/** Whether nine in ten of the first characters are a text byte with zeros beside it. */
function isSpread(bytes: Uint8Array, encoding: WideEncoding): boolean {
  const { width } = WIDE[encoding];
  const count = Math.min(SAMPLE, Math.floor(bytes.length / width));
  let narrow = 0;
  for (let i = 0; i < count; i++) {
    const byte = narrowByte(bytes, i * width, encoding);
    if (byte !== undefined && isTextByte(byte)) narrow++;
  }
  return count > 0 && narrow >= 0.9 * count;
}

/** The byte of a character below 256; undefined for others. */
function narrowByte(bytes: Uint8Array, at: number, encoding: WideEncoding): number | undefined {
  const { width, low } = WIDE[encoding];
  for (let i = 0; i < width; i++) if (i !== low && bytes[at + i] !== 0) return undefined;
  return bytes[at + low];
}

/**
 * A text with one byte a character and without a mark. What is not ASCII in UTF-16 and UTF-32 becomes "?". Other bytes are a
 * view.
 */
export function plainText(bytes: Uint8Array, encoding: TextEncoding): Uint8Array {
  if (encoding === "bytes") return bytes;
  if (encoding === "utf-8-mark") return bytes.subarray(3);
  const { width } = WIDE[encoding];
  const from = hasMark(bytes, encoding) ? width : 0;
  // A part of a character at the end is damage, and shows as such.
  const out = new Uint8Array(Math.ceil((bytes.length - from) / width)).fill(NOT_ASCII);
  for (let i = 0; from + (i + 1) * width <= bytes.length; i++) {
    const byte = narrowByte(bytes, from + i * width, encoding);
    if (byte !== undefined && byte < 0x80) out[i] = byte;
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
