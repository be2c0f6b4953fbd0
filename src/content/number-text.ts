import { fromHex } from "../base/bytes.ts";

/** Longest text that is read as numbers, in characters: no key is longer. */
const TEXT_MAX = 32_768;
/** Fewest bytes that count: shorter ones are no key. */
const BYTES_MIN = 16;

/** What may stand between pairs of hexadecimal digits: "aa bb", "aa:bb", "0xaa, 0xbb", "\xaa\xbb". */
const SEPARATORS = /(?:0x|\\x|[\s,:;-])+/gi;
/** A list of bytes in brackets, as C, Python and JSON have it, with comments and casts taken out before. */
const LIST =
  /[[{(]\s*((?:(?:0x[0-9A-Fa-f]{1,2}|\d{1,3})[uU]?\s*,\s*){15,}(?:0x[0-9A-Fa-f]{1,2}|\d{1,3})[uU]?)\s*,?\s*[\]})]/g;

/** The bytes that a short text writes as numbers, whichever way: one entry for each list, or one for all of it. */
export function writtenBytes(text: string): Uint8Array[] {
  if (text.length > TEXT_MAX) return [];
  const digits = text.replace(SEPARATORS, "");
  const whole = /^[0-9A-Fa-f]+$/.test(digits) ? fromHex(digits.toLowerCase()) : undefined;
  const found = whole === undefined ? [] : [whole];
  for (const [, list = ""] of withoutRemarks(text).matchAll(LIST)) {
    const values = list.split(",").map((value) => Number(value.trim().replace(/u$/i, "")));
    if (values.every((value) => value <= 0xff)) found.push(Uint8Array.from(values));
  }
  return found.filter(({ length }) => length >= BYTES_MIN);
}

/** A text without comments of C, and of scripts if `hasHashes`. In one pass, also where a comment has no end. */
export function withoutRemarks(text: string, hasHashes = false): string {
  const parts: string[] = [];
  const begin = hasHashes ? /\/\*|\/\/|#/g : /\/\*|\/\//g;
  let from = 0;
  for (let found = begin.exec(text); found !== null; found = begin.exec(text)) {
    const end = found[0] === "/*" ? "*/" : "\n";
    const to = text.indexOf(end, begin.lastIndex);
    if (to < 0 && end === "*/") break;
    parts.push(text.slice(from, found.index));
    from = to < 0 ? text.length : end === "*/" ? to + end.length : to;
    begin.lastIndex = from;
  }
  parts.push(text.slice(from));
  return parts.join("");
}
