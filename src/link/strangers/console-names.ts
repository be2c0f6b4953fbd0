import type { Stranger, StrangerKind } from "./stranger.ts";

/** Bytes of text that are kept. */
const TAIL_MAX = 256;
const SAMPLE_MAX = 60;
/** A line shorter than this is not yet a console. */
const LINE_MIN = 16;

const BELL = 0x07;
const ESCAPE = 0x1b;
/** Colours and cursor moves. */
const CONTROL_SEQUENCE = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;?]{0,12}[A-Za-z]`, "g");

/** Whether a terminal would take the byte: printable, bell to carriage return without VT and FF, escape. */
export function isText(byte: number): boolean {
  if (byte >= 0x20) return byte < 0x7f;
  return (byte >= BELL && byte <= 0x0a) || byte === 0x0d || byte === ESCAPE;
}

/** The newest text on a line, up to 256 bytes, as long as nothing comes in between that is no text. */
export class TextTail {
  readonly #bytes: Uint8Array = new Uint8Array(TAIL_MAX);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** Takes in a run; returns the text that it ends in, with what came before if the run is all text. */
  add(run: Uint8Array): string {
    let from = run.length;
    while (from > 0 && isText(run[from - 1] as number)) from--;
    if (from > 0) this.#length = 0;
    const before = this.#text();
    const text = run.subarray(from);
    const piece = text.subarray(Math.max(0, text.length - TAIL_MAX));
    const kept = Math.min(this.#length, TAIL_MAX - piece.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    this.#bytes.set(piece, kept);
    this.#length = kept + piece.length;
    return (before + String.fromCharCode(...text)).replace(CONTROL_SEQUENCE, "");
  }

  #text(): string {
    return String.fromCharCode(...this.#bytes.subarray(0, this.#length));
  }
}

/** Every repetition is bounded: time is proportional to the text. */
const PATTERNS: readonly (readonly [StrangerKind, RegExp])[] = [
  ["login-prompt", /(?:^|[\r\n])(?:[\w.-]{1,64} )?login: /g],
  ["shell-prompt", /[\r\n]\S{0,60} ?[$#] $/g],
  ["u-boot", /[\r\n]=> $|Hit any key to stop autoboot|(?:^|[\r\n])U-Boot (?:SPL |TPL )?\d{4}\.\d\d/g],
  ["linux-kernel-log", /(?:^|[\r\n])\[ {0,6}\d{1,6}\.\d{6}\] \S/g],
  [
    "esp-boot-log",
    /\bets [A-Z][a-z]{2} [ \d]\d \d{4}|\brst:0x[\da-f]{1,2} \([A-Z]|\bESP-ROM:esp32|\brst cause:\d{1,2}, ?boot mode:/g,
  ],
];

/** Names the program that writes such text, "console" if it could be any; undefined when it is too little. */
export function nameText(text: string): Stranger | undefined {
  const sentence = checkedSentence(text);
  if (sentence !== undefined) return { kind: "nmea", sample: sampleOf(sentence) };
  let latest: { readonly kind: StrangerKind; readonly at: number } | undefined;
  for (const [kind, pattern] of PATTERNS) {
    for (const { index } of text.matchAll(pattern))
      if (index > (latest?.at ?? -1)) latest = { kind, at: index };
  }
  if (latest !== undefined) return { kind: latest.kind, sample: sampleOf(text.slice(latest.at)) };
  return isWholeLine(text) ? { kind: "console", sample: sampleOf(text) } : undefined;
}

/** Whether there is a line of some length, and its end has come. */
function isWholeLine(text: string): boolean {
  return text.length >= LINE_MIN && /[\r\n]$/.test(text);
}

const SENTENCE = /[$!](?:P[A-Z]{3}|[A-Z]{2}[A-Z\d]{3})[^*\r\n$!]{0,80}\*[\dA-Fa-f]{2}\r?\n/g;

/** A sentence of NMEA 0183 whose checksum, the XOR between `$` and `*`, is right. */
function checkedSentence(text: string): string | undefined {
  for (const [sentence] of text.matchAll(SENTENCE)) {
    const star = sentence.indexOf("*");
    let sum = 0;
    for (let i = 1; i < star; i++) sum ^= sentence.charCodeAt(i);
    if (sum === Number.parseInt(sentence.slice(star + 1, star + 3), 16)) return sentence;
  }
  return undefined;
}

/** The first line that says something, for people: printable, at most 60 characters. */
export function sampleOf(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.replace(/[^ -~]/g, "").trim());
  return (lines.find((line) => line !== "") ?? "").slice(0, SAMPLE_MAX);
}
