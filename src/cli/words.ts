import { UsageError } from "../base/errors.ts";

/**
 * Splits a command into words by the quoting rules of a POSIX shell (2.2): single quotes, double quotes with \ before " and
 * \, and \ before any other character. Nothing is expanded. UsageError `command-quotes`, `command-empty`; `flag` is named in
 * them.
 */
export function splitWords(text: string, flag: string): readonly [program: string, ...args: string[]] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    const next = text[at + 1];
    const escapes = quote === undefined || (quote === '"' && (next === '"' || next === "\\"));
    if (char === quote) quote = undefined;
    else if (char === "\\" && quote !== "'" && escapes) {
      if (next === undefined) throw unfinished(text, flag, "\\");
      word = (word ?? "") + next;
      at++;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== undefined) throw unfinished(text, flag, quote);
  if (word !== undefined) words.push(word);
  const [program, ...args] = words;
  if (program === undefined || program === "")
    throw new UsageError("command-empty", `${flag} names no program`, { command: text });
  return [program, ...args];
}

function unfinished(text: string, flag: string, what: string): UsageError {
  const message = `${flag} ends behind an open ${what}: ${text}; close it, or give a shell as the program: sh -c '...'`;
  return new UsageError("command-quotes", message, { command: text });
}
