import { type ContentKind, foreign } from "./content-kind.ts";
import { leftoverKind, messageKind } from "./leftover-text.ts";
import { withoutRemarks } from "./number-text.ts";
import { isWide, type TextEncoding } from "./text-encoding.ts";

export const HEX_KIND: ContentKind = { group: "format", id: "hex", name: "an Intel HEX file" };
export const SREC_KIND: ContentKind = { group: "format", id: "srec", name: "an S-record file" };

const SREC_CAT = (name: string): string => `srec_cat IN -${name} -o OUT -binary`;

/** Comment lines, as generators write them before the first record. */
const COMMENTS = /^(?:[ \t]*(?:[;#][^\r\n]*|\/\/[^\r\n]*)?[\r\n]+)*/;

/** Texts that are no firmware by how they begin, in this order. Patterns are anchored and see no more than the head of a file. */
const STARTS: readonly (readonly [RegExp, ContentKind])[] = [
  [
    /^(?:diff --git |Index: [^\n]+\n=|--- [^\n]+\n\+\+\+ |\*\*\* [^\n]+\n--- |From [0-9a-f]{40} )/,
    foreign("patch", "a patch", "apply it, and build the firmware"),
  ],
  [/^GIT binary patch|^@@ -\d/, foreign("patch", "a patch", "apply it, and build the firmware")],
  [
    /^\s*[0-9A-Fa-f]{12}\s*[\r\n]+:[0-9A-Fa-f]{10}/,
    foreign("cyacd", "a cyacd file of Cypress", "give the HEX file that it was made of"),
  ],
  [
    /^%[0-9A-Fa-f]{2}[3678][0-9A-Fa-f]{2}/,
    foreign("tektronix", "a Tektronix extended HEX file", SREC_CAT("tektronix-extended")),
  ],
  [
    /^\/[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{2})*\s*[\r\n]/,
    foreign("tektronix", "a Tektronix HEX file", SREC_CAT("tektronix")),
  ],
  [
    /^;[0-9A-Fa-f]{10}(?:[0-9A-Fa-f]{2})*\s*(?:[\r\n]|$)/,
    foreign("mos", "a MOS Technology file", SREC_CAT("mos-technologies")),
  ],
  [
    /^(?:\s*--[^\n]*\n|\s*%[^%]*%)*\s*(?:DEPTH|WIDTH)\s*=\s*\d+\s*;/i,
    foreign("mif", "a memory initialization file (.mif)", SREC_CAT("memory-initialization-file")),
  ],
  [
    /^(?:\s*;[^\n]*\n)*\s*memory_initialization_radix\s*=/i,
    foreign("coe", "a coefficient file of Xilinx (.coe)", "take the file that it was made of"),
  ],
  [/^v[23]\.0 (?:raw|hex)/, foreign("logisim", "a Logisim memory file", SREC_CAT("logisim"))],
  [
    /^[0-9A-Fa-f]{6}:[0-9A-Fa-f]{4}\s*[\r\n]/,
    foreign("atmel-generic", "an Atmel generic file", SREC_CAT("atmel-generic")),
  ],
  // xxd, hexdump, od, U-Boot's md, OpenOCD's mdw, GDB's x.
  [
    /^\s*(?:(?:0x)?[0-9A-Fa-f]{4,16}(?: <[^>\n]{1,80}>)?:?[ \t]{1,3}(?:(?:0x)?[0-9A-Fa-f]{2,16}[ \t]{1,3}){4,}|0{6,8} [0-7]{6} [0-7]{6})/,
    foreign("dump", "the printout of a dump", "xxd -r IN OUT, if xxd made it"),
  ],
  [
    /^\s*\S{1,300}:\s+file format [a-z]+[0-9a-z-]*/,
    foreign("objdump", "the printout of objdump", "give the program that it shows"),
  ],
  [/^begin(?:-base64)? [0-7]{3,4} \S/, foreign("uuencode", "a uuencoded text", "uudecode -o OUT IN")],
  [/^=ybegin /, foreign("yenc", "a yEnc text", "ydecode IN")],
  [/^data:[^\s,]{0,200};base64,/, foreign("data-url", "a data: URL", "cut -d, -f2 IN | base64 -d > OUT")],
  [
    /^(?:[A-Za-z-]{1,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,40}?Content-Transfer-Encoding:/i,
    foreign("mail", "a mail, or a part of one", "munpack IN"),
  ],
  [/^\{\\rtf\d/, foreign("rtf", "an RTF document")],
  [
    /\b(?:unsigned char|char|byte|u?int\d{1,2}_t|u8|const \w{1,40})\b[^={};]{0,200}=\s*\{\s*(?:0x|\d|\/)/i,
    foreign("c-array", "a C array", "compile it, or take the file that it was made of"),
  ],
];

const TI_TXT = foreign("ti-txt", "a TI-TXT file", SREC_CAT("titxt"));
const VMEM = foreign("vmem", "a Verilog memory file", SREC_CAT("vmem"));

/** Which format a text has, from its start; undefined for text that may be firmware: a script, a device tree. */
export function textKind(text: string, encoding: TextEncoding, isWhole: boolean): ContentKind | undefined {
  const found = recordKind(text) ?? leftoverKind(text) ?? STARTS.find(([pattern]) => pattern.test(text))?.[1];
  return (
    found ??
    addressedKind(text) ??
    jsonKind(text, isWhole) ??
    digitsKind(text) ??
    (isWhole ? messageKind(text) : undefined) ??
    encodedKind(encoding)
  );
}

/** Records that are read here. A first line that is damaged still shows what the file is meant to be. */
function recordKind(text: string): ContentKind | undefined {
  if (/^:[ -~\t\r\n]*$/.test(text.trimStart().replaceAll("\u001a", ""))) return HEX_KIND;
  const lines = text.replace(COMMENTS, "").trimStart();
  if (/^:[0-9A-Fa-f]{6}/.test(lines)) return HEX_KIND;
  if (/^S[0-9](?:[0-9A-Fa-f]{2}){3,}(?:\s|$)/i.test(lines)) return SREC_KIND;
  // A log or another preface before at least two records in lines of their own.
  if (/(?:^|[\r\n])[ \t>|]{0,8}:[0-9A-Fa-f]{10,}[ \t]*[\r\n]+[ \t>|]{0,8}:[0-9A-Fa-f]{10,}/.test(text)) {
    return /^\s*[0-9A-Fa-f]{12}\s*[\r\n]/.test(text) ? undefined : HEX_KIND;
  }
  return /(?:^|[\r\n])S[123][0-9A-Fa-f]{8,}[ \t]*[\r\n]+S[1-9][0-9A-Fa-f]{8,}/.test(text)
    ? SREC_KIND
    : undefined;
}

/** "@" and an address, then pairs of digits (TI-TXT, ends with "q") or words (Verilog). */
function addressedKind(text: string): ContentKind | undefined {
  const lines = text.replace(/^(?:\s*(?:\/\/[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/))*\s*/, "");
  const found = /^@[0-9A-Fa-f]{1,16}\s+([0-9A-Fa-f]{2,})(?:\s|$)/.exec(lines);
  if (found === null) return undefined;
  return /[\r\n]\s*q\s*$/i.test(text) || (found[1]?.length === 2 && /^@[0-9A-F]{4,5}[\r\n]/.test(text))
    ? TI_TXT
    : VMEM;
}

/** An object by its first member, also where it is cut off; a list only if all of it is one. */
function jsonKind(text: string, isWhole: boolean): ContentKind | undefined {
  const kind = foreign(
    "json",
    "a JSON document",
    "a failed download leaves such files; get the firmware again",
  );
  if (/^\s*\{\s*(?:"[^"\n]{0,200}"\s*:|\}\s*$)/.test(text)) return kind;
  if (!isWhole || !/^\s*\[\s*["{[\]0-9]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return kind;
  } catch {
    return undefined;
  }
}

/** Characters of the shortest base64 on one line that is told from a word. */
const ONE_LINE_MIN = 64;
const HEX_DIGITS = foreign("hex-digits", "a text of hexadecimal digits", "xxd -r -p IN OUT");
const BITS = foreign("bits", "a text of zeros and ones", "give the file that it was made of");
const NUMBERS = foreign("numbers", "a list of numbers", "give the file that it was made of");
const BASE64 = foreign("base64", "a base64 text", "openssl base64 -d -A -in IN -out OUT");

/** Nothing but digits: the printout of `xxd -p`, numbers with commas, base64. A few characters may be anything. */
function digitsKind(text: string): ContentKind | undefined {
  const plain = withoutRemarks(text, true);
  const packed = plain.replace(/\s+/g, "");
  if (packed.length < 32) return undefined;
  if (/^\s*(?:[01]{8}){1,8}(?:\s+[01]{8,64}){3,}\s*$/.test(plain)) return BITS;
  if (/^[0-9A-Fa-f]+$/.test(packed) && new Set(packed).size > 2) return HEX_DIGITS;
  if (/^[[{(]?(?:(?:0x[0-9A-Fa-f]{1,16}|\d{1,20})[uUlL]{0,3},){8,}/.test(packed)) return NUMBERS;
  // One long word may be a name; several lines have the length that encoders use.
  const isOneLine = /^\s*\S+\s*$/.test(text);
  const isLined = isOneLine ? packed.length >= ONE_LINE_MIN : /^\S{60,76}[\r\n]/.test(text.trimStart());
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(packed) && packed.length % 4 === 0;
  const isMixed = /[A-Z]/.test(packed) && /[a-z]/.test(packed) && /[0-9]/.test(packed);
  return isBase64 && isMixed && isLined ? BASE64 : undefined;
}

/** Firmware that is text has no mark and no wide characters. */
function encodedKind(encoding: TextEncoding): ContentKind | undefined {
  if (!isWide(encoding)) {
    return encoding === "bytes"
      ? undefined
      : foreign("utf-8-mark", "a text that begins with a byte order mark", "tail -c +4 IN > OUT");
  }
  const name = encoding.toUpperCase();
  return foreign(encoding, `a text in ${name}`, `iconv -f ${name} -t UTF-8 IN > OUT`);
}
