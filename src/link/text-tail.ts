import type { Stranger, StrangerKind } from "./stranger.ts";

/** Octets of text that are kept. */
const TAIL_MAX = 256;
const SAMPLE_MAX = 60;
/** A line shorter than this is not yet a console. */
const LINE_MIN = 16;

const BELL = 0x07;
const ESCAPE = 0x1b;
/** Colours and cursor moves. */
const CONTROL_SEQUENCE = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;?]{0,12}[A-Za-z]`, "g");

/** Whether a terminal would take the octet: printable, bell to carriage return without VT and FF, escape. */
export function isText(octet: number): boolean {
  if (octet >= 0x20) return octet < 0x7f;
  return (octet >= BELL && octet <= 0x0a) || octet === 0x0d || octet === ESCAPE;
}

/** The newest text on a line, up to 256 octets without anything in between that is no text. */
export class TextTail {
  readonly #octets: Uint8Array = new Uint8Array(TAIL_MAX);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  add(run: Uint8Array): void {
    let from = run.length;
    while (from > 0 && run.length - from < TAIL_MAX && isText(run[from - 1] as number)) from--;
    const piece = run.subarray(from);
    const kept = piece.length === run.length ? Math.min(this.#length, TAIL_MAX - piece.length) : 0;
    this.#octets.copyWithin(0, this.#length - kept, this.#length);
    this.#octets.set(piece, kept);
    this.#length = kept + piece.length;
  }

  /** Without colours and cursor moves. */
  get text(): string {
    return String.fromCharCode(...this.#octets.subarray(0, this.#length)).replace(CONTROL_SEQUENCE, "");
  }

  /** Whether the text is a line of some length, and its end has come. */
  get isWholeLine(): boolean {
    const last = this.#octets[this.#length - 1];
    return this.#length >= LINE_MIN && (last === 0x0a || last === 0x0d);
  }
}

/** Each is bounded and is tried on at most 256 characters. What waits at the end of the text goes before logs. */
const PATTERNS: readonly (readonly [StrangerKind, RegExp])[] = [
  ["login-prompt", /(?:^|[\r\n])(?:[\w.-]{1,64} )?login: /],
  ["shell-prompt", /[\r\n]\S{0,60} ?[$#] $/],
  ["u-boot", /[\r\n]=> $|Hit any key to stop autoboot|(?:^|[\r\n])U-Boot (?:SPL |TPL )?\d{4}\.\d\d/],
  ["linux-kernel-log", /(?:^|[\r\n])\[ {0,6}\d{1,6}\.\d{6}\] \S/],
  [
    "esp-boot-log",
    /\bets [A-Z][a-z]{2} [ \d]\d \d{4}|\brst:0x[\da-f]{1,2} \([A-Z]|\bESP-ROM:esp32|\brst cause:\d{1,2}, ?boot mode:/,
  ],
];

/** Names the program that writes such text; undefined when it could be any. */
export function nameText(text: string): Stranger | undefined {
  const sentence = checkedSentence(text);
  if (sentence !== undefined) return { kind: "nmea", sample: sampleOf(sentence) };
  for (const [kind, pattern] of PATTERNS) {
    const at = text.search(pattern);
    if (at >= 0) return { kind, sample: sampleOf(text.slice(at).trimStart()) };
  }
  return undefined;
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
