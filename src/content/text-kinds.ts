import type { ContentKind } from "./content-kind.ts";
import type { TextEncoding } from "./text-encoding.ts";

function foreign(id: string, name: string, fix?: string): ContentKind {
  return { group: "foreign", id, name, ...(fix === undefined ? {} : { fix }) };
}

export const HEX_KIND: ContentKind = { group: "format", id: "hex", name: "an Intel HEX file" };
export const SREC_KIND: ContentKind = { group: "format", id: "srec", name: "an S-record file" };

const SREC_CAT = (name: string): string => `srec_cat IN -${name} -o OUT -binary`;
const DOWNLOAD = "a failed download leaves such files; get the firmware again";

/** Comment lines, as generators write them before the first record. */
const COMMENTS = /^(?:[ \t]*(?:[;#][^\r\n]*|\/\/[^\r\n]*)?[\r\n]+)*/;

/** Texts that are no firmware by how they begin, in this order. Patterns are anchored and see no more than the head of a file. */
const STARTS: readonly (readonly [RegExp, ContentKind])[] = [
  [
    /^\s*<(?:!--|(?:!doctype html|html|head|body|title|script|meta)\b)/i,
    foreign("html", "an HTML page", DOWNLOAD),
  ],
  [/^\s*<(?:\?xml|svg|!doctype|error|rss)\b/i, foreign("xml", "an XML document", DOWNLOAD)],
  [
    /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\//,
    foreign("git-lfs", "a pointer of git-lfs, not the file itself", "git lfs pull"),
  ],
  [
    /^\/?(?:\.git\/)?annex\/objects\//,
    foreign("git-annex", "a pointer of git-annex, not the file itself", "git annex get IN"),
  ],
  [
    /^\s*(?:HTTP\/\d|(?:error )?[45]\d\d:? (?:[A-Z][a-z]+ ?){1,4}\s*$|Not Found\s*$|Access Denied\s*$|Bad credentials)/,
    foreign("download-error", "the error message of a download", "get the firmware again"),
  ],
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
  [/^v[23]\.0 (?:raw|hex)/, foreign("logisim", "a Logisim memory file", SREC_CAT("logisim"))],
  [
    /^[0-9A-Fa-f]{6}:[0-9A-Fa-f]{4}\s*[\r\n]/,
    foreign("atmel-generic", "an Atmel generic file", SREC_CAT("atmel-generic")),
  ],
  [
    /^(?:[0-9A-Fa-f]{6,8}:? {1,2}(?:[0-9A-Fa-f]{2,8} {1,2}){4,}|0{6,8} [0-7]{6} [0-7]{6})/,
    foreign("dump", "the printout of a dump", "xxd -r IN OUT, if xxd made it"),
  ],
  [
    /^(?:\/\*[^*]*\*\/\s*|\/\/[^\n]*\n\s*|#include[^\n]*\n\s*)*(?:static |const |extern )*(?:unsigned char|uint8_t|char|byte)\s[^={]{0,200}=\s*\{\s*(?:0x|\d)/,
    foreign("c-array", "a C array", "compile it, or take the file that it was made of"),
  ],
];

const TI_TXT = foreign("ti-txt", "a TI-TXT file", SREC_CAT("titxt"));
const VMEM = foreign("vmem", "a Verilog memory file", SREC_CAT("vmem"));

/** Which format a text has, from its start; undefined for text that may be firmware: a script, a device tree. */
export function textKind(text: string, encoding: TextEncoding, isWhole: boolean): ContentKind | undefined {
  const found =
    recordKind(text) ?? STARTS.find(([pattern]) => pattern.test(text))?.[1] ?? addressedKind(text);
  return found ?? jsonKind(text, isWhole) ?? digitsKind(text) ?? encodedKind(encoding);
}

/** Records that are read here. A first line that is damaged still shows what the file is meant to be. */
function recordKind(text: string): ContentKind | undefined {
  if (/^:[ -~\t\r\n]*$/.test(text.trimStart().replaceAll("\u001a", ""))) return HEX_KIND;
  const lines = text.replace(COMMENTS, "").trimStart();
  if (/^:[0-9A-Fa-f]{6}/.test(lines)) return HEX_KIND;
  if (/^S[0-9](?:[0-9A-Fa-f]{2}){3,}[ \t]*(?:[\r\n]|$)/.test(lines)) return SREC_KIND;
  // A log or another preface before at least two records in lines of their own.
  if (/(?:^|[\r\n])[ \t]*:[0-9A-Fa-f]{10,}[ \t]*[\r\n]+[ \t]*:[0-9A-Fa-f]{10,}/.test(text)) {
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
  const kind = foreign("json", "a JSON document", DOWNLOAD);
  if (/^\s*\{\s*(?:"[^"\n]{0,200}"\s*:|\}\s*$)/.test(text)) return kind;
  if (!isWhole || !/^\s*\[\s*["{[\]0-9]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return kind;
  } catch {
    return undefined;
  }
}

/** Nothing but digits: the printout of `xxd -p`, base64. A few characters may be anything. */
function digitsKind(text: string): ContentKind | undefined {
  const packed = text.replace(/\s+/g, "");
  if (packed.length < 32) return undefined;
  if (/^[0-9A-Fa-f]+$/.test(packed) && new Set(packed).size > 2) {
    return foreign("hex-digits", "a text of hexadecimal digits", "xxd -r -p IN OUT");
  }
  const isBase64 =
    /^[A-Za-z0-9+/]+={0,2}$/.test(packed) && packed.length % 4 === 0 && !/^\s*\S+\s*$/.test(text);
  const isMixed = /[A-Z]/.test(packed) && /[a-z]/.test(packed) && /[0-9]/.test(packed);
  return isBase64 && isMixed && /^\S{60,76}[\r\n]/.test(text.trimStart())
    ? foreign("base64", "a base64 text", "openssl base64 -d -in IN -out OUT")
    : undefined;
}

/** Firmware that is text has no mark and no wide characters. */
function encodedKind(encoding: TextEncoding): ContentKind | undefined {
  switch (encoding) {
    case "bytes":
      return undefined;
    case "utf-8-mark":
      return foreign("utf-8-mark", "a text that begins with a byte order mark", "tail -c +4 IN > OUT");
    default: {
      const name = encoding === "utf-16le" ? "UTF-16LE" : "UTF-16BE";
      return foreign(encoding, `a text in ${name}`, `iconv -f ${name} -t UTF-8 IN > OUT`);
    }
  }
}
