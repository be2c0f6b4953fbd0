/** Ways to read a firmware file other than byte by byte. */
export type FirmwareFormat = "hex" | "srec" | "uf2" | "elf";

/**
 * What a file holds, judged by its content alone.
 * - `format`: firmware that can be read, in this format.
 * - `image`: an image file of this program.
 * - `key`: a key, a certificate or another file of cryptography.
 * - `foreign`: neither raw firmware nor anything that is read here.
 */
export type ContentGroup = "format" | "image" | "key" | "foreign";

export interface ContentKind {
  readonly group: ContentGroup;
  /** Stable name for machines, in kebab-case. */
  readonly id: string;
  /** With its article: "a gzip file". */
  readonly name: string;
  /** A private or shared key: no flag lets it into an image. */
  readonly isSecret?: boolean;
  /** A command that makes what is needed (raw firmware; for a key, PEM) of IN, or another way to it. */
  readonly fix?: string;
}

/** The start of a file, and its end. */
export interface Content {
  /** The first bytes: {@link HEAD_LENGTH} of them, {@link TEXT_HEAD_LENGTH} of a text, or all there are. */
  readonly head: Uint8Array;
  /** The last {@link TAIL_LENGTH} bytes, or all there are. */
  readonly tail: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** Bytes from the start that are looked at: no key file is longer, and a tar header fits. */
export const HEAD_LENGTH = 65_536;
/** Bytes from the start of a text that are looked at: a key may stand behind other text. */
export const TEXT_HEAD_LENGTH = 1_048_576;
/** Bytes from the end that are looked at: the suffix of a DFU file. */
export const TAIL_LENGTH = 16;

/** A kind of file that is not firmware. */
export function foreign(id: string, name: string, fix?: string): ContentKind {
  return { group: "foreign", id, name, ...(fix === undefined ? {} : { fix }) };
}

/** The content of a file that is in memory. */
export function contentInMemory(bytes: Uint8Array): Content {
  const tail = bytes.subarray(Math.max(0, bytes.length - TAIL_LENGTH));
  return { head: bytes.subarray(0, HEAD_LENGTH), tail, size: bytes.length };
}
