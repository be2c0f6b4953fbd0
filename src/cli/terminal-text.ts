import { styleText } from "node:util";

/** A stream that people read; only a terminal gets colours and progress bars. */
export interface TextStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Style = "green" | "red" | "yellow";

/**
 * Text that is safe to write to a terminal: its only escape sequences are our own styles. It is made from strings, which
 * may contain anything, by {@link plain}, {@link styled} and {@link joined}; everything that writes to a terminal takes
 * this class. It is not a string, so that styled text cannot be escaped again, which would destroy its styles.
 */
export class TerminalText {
  /** What is written, including styles. */
  readonly written: string;

  private constructor(written: string) {
    this.written = written;
  }

  /** `text` with every character replaced that could move the cursor or change the terminal's state. Line ends stay. */
  static plain(text: string): TerminalText {
    return new TerminalText(printable(text));
  }

  /** The same, in a style if `stream` is a terminal and NO_COLOR is not set. */
  static styled(stream: TextStream, style: Style, text: string): TerminalText {
    const shown = printable(text);
    const isPlain = stream.isTTY !== true || (process.env["NO_COLOR"] ?? "") !== "";
    // The stream was checked above; the function itself would check stdout.
    return new TerminalText(isPlain ? shown : styleText(style, shown, { validateStream: false }));
  }

  /** Concatenates parts; strings among them are made plain. */
  static joined(...parts: readonly (TerminalText | string)[]): TerminalText {
    return new TerminalText(
      parts.map((part) => (part instanceof TerminalText ? part.written : printable(part))).join(""),
    );
  }
}

/** Control characters but line ends, and Unicode characters that break lines or change the direction of text. */
const UNPRINTABLE = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** These, and all others without a shape of their own: joiners, fillers, tags, soft hyphens. */
const UNSEEN = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\ufff9-\ufffb]/gu;

function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\u00b7");
}

/**
 * JSON text with DEL, C1 controls, line and paragraph separators, and every character that is not seen or changes the
 * direction of text escaped, which `JSON.stringify` does not do. They occur in strings only, so that the value stays
 * the same.
 */
export function printableJson(json: string): string {
  return json.replace(UNSEEN, (text) =>
    Array.from({ length: text.length }, (_, i) => escaped(text.charCodeAt(i))).join(""),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
