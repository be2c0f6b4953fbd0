import { type ContentKind, foreign } from "./content-kind.ts";

const DOWNLOAD = "a failed download leaves such files; get the firmware again";
const HTML = foreign("html", "an HTML page", DOWNLOAD);
const ERROR = foreign("download-error", "the error message of a download", "get the firmware again");
const CHECKSUM = foreign(
  "checksum",
  "a list of checksums, not the files themselves",
  "give the firmware that it names",
);
const LINK = foreign("symlink", "the path of a link, not the file itself", "give the file that it leads to");
const SHORTCUT = foreign("shortcut", "a shortcut, not the file itself", "give the file that it leads to");

/** What stands for a file that is not there, by how the text begins. */
const STARTS: readonly (readonly [RegExp, ContentKind])[] = [
  [
    /^\s*<(?:!--|(?:!doctype html|html|head|body|title|script|style|meta|link|div|center|pre|p|h[1-6]|table)\b)/i,
    HTML,
  ],
  [
    /^\s*<(?:\?xml|svg|!doctype|error|rss|feed|soap|plist|metalink)\b/i,
    foreign("xml", "an XML document", DOWNLOAD),
  ],
  [
    /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\//,
    foreign("git-lfs", "a pointer of git-lfs, not the file itself", "git lfs pull"),
  ],
  [
    /^(?:\.\.\/)*\/?(?:\.git\/)?annex\/objects\//,
    foreign("git-annex", "a pointer of git-annex, not the file itself", "git annex get IN"),
  ],
  [
    /^outs:\s*\n\s*- (?:md5|hash|etag|size|path):/,
    foreign("dvc", "a pointer of DVC, not the file itself", "dvc pull IN"),
  ],
  [/^\[(?:InternetShortcut|Desktop Entry)\]/i, SHORTCUT],
  [
    /^d\d{1,3}:(?:announce|created by|creation date|info|comment)/,
    foreign("torrent", "a torrent, not the file itself", DOWNLOAD),
  ],
  [/^zsync: \d/, foreign("zsync", "a zsync file, not the file itself", DOWNLOAD)],
  [
    /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{56,64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}) [ *]\S[^\n]{0,300}(?:\n|$)/,
    CHECKSUM,
  ],
  [/^(?:MD5|SHA-?\d{1,3}|SHA\d-\d{3}|BLAKE2\S{0,5}) ?\([^\n]{1,300}\) ?= ?[0-9A-Fa-f]{32}/, CHECKSUM],
];

/** Longest message of a server that is looked through, in characters: firmware is longer, or no text. */
const MESSAGE_MAX = 400;
/** What servers answer in place of a file. */
const MESSAGE =
  /^(?:[45]\d\d\b|http\/\d|(?:the )?requested (?:url|file)|blocked\b)|\b(?:not found|no such (?:key|file|bucket)|access denied|permission denied|forbidden|unauthori[sz]ed|bad (?:gateway|request|credentials)|internal server error|service (?:temporarily )?unavailable|gateway time-?out|too many requests|rate limit|moved permanently|(?:link|url|request|token) (?:has |is )?expired|authentication required|login required|does not exist|file (?:was )?removed|quota exceeded)\b/i;
/** A path that leads elsewhere, as git writes links where the system has none. */
const PATH = /^(?:\.{1,2}\/|\/)[^\s:*?"<>|]{1,1000}$/;

/** What a text is that version control, a failed download or a file manager leaves in place of a file; undefined for others. */
export function leftoverKind(text: string): ContentKind | undefined {
  return STARTS.find(([pattern]) => pattern.test(text))?.[1];
}

/** What a short text of no format is: the message of a server, or where a link leads. */
export function messageKind(text: string): ContentKind | undefined {
  if (text.length > MESSAGE_MAX) return undefined;
  const line = text.trim();
  if (PATH.test(line)) return LINK;
  return MESSAGE.test(line) ? ERROR : undefined;
}
