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

/** Replaces control characters except line ends, and Unicode characters that break lines or change direction. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu, "\u00b7");
}

/**
 * JSON text with the same characters escaped. `JSON.stringify` does not escape DEL, C1 controls and these Unicode
 * characters. They occur in strings only, so that the value stays the same.
 */
export function printableJson(json: string): string {
  return json.replace(
    /[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
