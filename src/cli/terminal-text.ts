import { styleText } from "node:util";

/** A stream for people; only a terminal gets colours and progress bars. */
export interface TextStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Style = "green" | "red" | "yellow";

/**
 * Text that may be written to a terminal: its only escape sequences are our own styles. {@link plain}, {@link styled}
 * and {@link joined} make it out of strings, which may hold anything, and this class is what the writers of
 * `Output` take. It is no string, so that styled text cannot be made printable once more, which would spoil its styles.
 */
export class TerminalText {
  /** As it is written, styles included. */
  readonly written: string;

  private constructor(written: string) {
    this.written = written;
  }

  /** `text` with a mark in place of whatever could move a cursor or change a terminal's state. Line ends stay. */
  static plain(text: string): TerminalText {
    return new TerminalText(printable(text));
  }

  /** The same in a style, if `stream` is a terminal and NO_COLOR is not set. */
  static styled(stream: TextStream, style: Style, text: string): TerminalText {
    const shown = printable(text);
    const isPlain = stream.isTTY !== true || (process.env["NO_COLOR"] ?? "") !== "";
    // The stream was looked at above; the function's own look would be at stdout.
    return new TerminalText(isPlain ? shown : styleText(style, shown, { validateStream: false }));
  }

  /** Parts behind one another; strings among them are made plain. */
  static joined(...parts: readonly (TerminalText | string)[]): TerminalText {
    return new TerminalText(
      parts.map((part) => (part instanceof TerminalText ? part.written : printable(part))).join(""),
    );
  }
}

/** Control characters, line ends excepted, and what reorders or breaks lines in Unicode. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu, "\u00b7");
}

/**
 * JSON text in which the same characters are escaped. `JSON.stringify` leaves DEL, the C1 controls and those of Unicode
 * as they are; they stand in strings only, so that the value stays the same.
 */
export function printableJson(json: string): string {
  return json.replace(
    /[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
