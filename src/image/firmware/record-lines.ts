const LF = 0x0a;
const CR = 0x0d;

/** A line of a text of records; `line` counts from 1. */
export interface RecordLine {
  readonly line: number;
  readonly bytes: Uint8Array;
}

function isBlank(byte: number | undefined): boolean {
  // DOS tools end text files with Ctrl-Z.
  return byte === 0x20 || byte === 0x09 || byte === 0x1a;
}

/**
 * The lines that are not blank, trimmed; views. CR LF, LF or CR end a line. Comments, which begin with ";", "#" or "//", are
 * left out before the first record, as tools write them there, and nowhere else.
 */
export function* recordLines(text: Uint8Array): Generator<RecordLine> {
  let line = 1;
  let isBegun = false;
  for (let start = 0; start < text.length; line++) {
    let next = start;
    while (next < text.length && text[next] !== LF && text[next] !== CR) next++;
    let end = next;
    while (end > start && isBlank(text[end - 1])) end--;
    while (start < end && isBlank(text[start])) start++;
    const bytes = text.subarray(start, end);
    if (bytes.length > 0 && (isBegun || !isComment(bytes))) {
      isBegun = true;
      yield { line, bytes };
    }
    start = text[next] === CR && text[next + 1] === LF ? next + 2 : next + 1;
  }
}

function isComment([first, second]: Uint8Array): boolean {
  return first === 0x3b || first === 0x23 || (first === 0x2f && second === 0x2f);
}

function digit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Reads pairs of hexadecimal digits from `from` on into `out`; the index of the first character that is none, or -1. */
export function readPairs(line: Uint8Array, from: number, out: Uint8Array): number {
  for (let i = 0; from + 2 * i < line.length; i++) {
    const at = from + 2 * i;
    const [left, right] = [digit(line[at]), digit(line[at + 1])];
    if (left < 0 || right < 0) return left < 0 ? at : at + 1;
    out[i] = left * 16 + right;
  }
  return -1;
}
