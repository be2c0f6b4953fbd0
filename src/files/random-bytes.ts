/** What bytes that should be random look like instead. */
export type NotRandom = "text" | "pattern";

/** Share of printable ASCII from which on bytes without control characters are text in some 8-bit character set. */
const TEXT_SHARE = 0.8;
/** Random bytes have more different values than this share of what is to be expected; texts and patterns have fewer. */
const VARIETY_SHARE = 0.7;

/**
 * Why bytes are not taken for random ones: they are text (ASCII, UTF-8, UTF-16, or mostly ASCII in another character set), or
 * repeat few values. Of a thousand random strings of 16 bytes fewer than one is taken for text, of longer ones fewer still.
 */
export function notRandom(bytes: Uint8Array): NotRandom | undefined {
  if (isUtf8Text(bytes) || isWideText(bytes) || isEightBitText(bytes)) return "text";
  return isVaried(bytes) ? undefined : "pattern";
}

function isControl(byte: number): boolean {
  const isSpace = byte === 0x09 || byte === 0x0a || byte === 0x0d;
  return (byte < 0x20 && !isSpace) || byte === 0x7f;
}

function isUtf8Text(bytes: Uint8Array): boolean {
  if (bytes.some(isControl)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** UTF-16 of either order: it has a mark, or every other byte is mostly the same. */
function isWideText(bytes: Uint8Array): boolean {
  if (bytes.length % 2 !== 0) return false;
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return [0, 1].some((start) => {
    const half = bytes.filter((_, i) => i % 2 === start);
    return mostFrequent(half) > half.length / 2;
  });
}

function isEightBitText(bytes: Uint8Array): boolean {
  if (bytes.some(isControl)) return false;
  const ascii = bytes.filter((byte) => byte < 0x7f).length;
  return ascii >= TEXT_SHARE * bytes.length;
}

function isVaried(bytes: Uint8Array): boolean {
  const expected = 256 * (1 - (255 / 256) ** bytes.length);
  return new Set(bytes).size >= VARIETY_SHARE * expected;
}

/** How often the most frequent value occurs. */
function mostFrequent(bytes: Uint8Array): number {
  const counts = new Uint16Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  return Math.max(...counts);
}
