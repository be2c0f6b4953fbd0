import { fromBase64 } from "./base64.ts";

/** One block of PEM text (RFC 7468). */
export interface PemBlock {
  /** "PUBLIC KEY". */
  readonly label: string;
  /** What is between the marks; undefined if it is not base64, as with headers. */
  readonly der: Uint8Array | undefined;
  /** The block as it stands in the text. */
  readonly text: string;
}

/** The labels of all lines that begin a block, whether it is whole or not. */
export function pemLabels(text: string): string[] {
  return [...text.matchAll(/-----BEGIN ([A-Za-z0-9 ]{1,64})-----/g)].map(([, label = ""]) => label);
}

/**
 * The blocks of PEM text, in their order. White space in them does not count: lines may be joined, longer or indented.
 * Text around blocks is left out. Fewer blocks than {@link pemLabels} has labels mean that one was cut off.
 */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  const begin = /-----BEGIN ([A-Za-z0-9 ]{1,64})-----/g;
  for (let found = begin.exec(text); found !== null; found = begin.exec(text)) {
    const [mark, label = ""] = found;
    const from = found.index + mark.length;
    const end = `-----END ${label}-----`;
    const to = text.indexOf("-----", from);
    if (to < 0 || !text.startsWith(end, to)) continue;
    const body = text.slice(from, to);
    blocks.push({ label, der: fromBase64(body), text: text.slice(found.index, to + end.length) });
    begin.lastIndex = to + end.length;
  }
  return blocks;
}
