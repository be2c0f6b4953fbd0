import type { Stranger, StrangerKind } from "./stranger.ts";

/** Longest sample of a text, in characters. */
const SAMPLE_MAX = 60;
/** A text shorter than this is not named a console. */
const CONSOLE_MIN = 16;

/** Marks of programs. Every repetition is bounded: matching takes time in proportion to the text. */
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

/**
 * Names the program that writes such text, by its last mark; "console" when a line of text bears none. Undefined when
 * there is too little.
 */
export function nameConsole(text: string): Stranger | undefined {
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

/** Whether the text is long enough, and ends with a line end. */
function isWholeLine(text: string): boolean {
  return text.length >= CONSOLE_MIN && /[\r\n]$/.test(text);
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

/** The first line that is not blank, for people: printable, at most 60 characters. */
function sampleOf(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.replace(/[^ -~]/g, "").trim());
  return (lines.find((line) => line !== "") ?? "").slice(0, SAMPLE_MAX);
}
