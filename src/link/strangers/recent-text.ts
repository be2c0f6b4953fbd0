/** Bytes of text that are kept. */
const KEPT_MAX = 256;

const BELL = 0x07;
const ESCAPE = 0x1b;
/** Colours and cursor moves. */
const CONTROL_SEQUENCE = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;?]{0,12}[A-Za-z]`, "g");

/** Whether a terminal would take the byte: printable, bell to carriage return without VT and FF, escape. */
export function isTerminalByte(byte: number): boolean {
  if (byte >= 0x20) return byte < 0x7f;
  return (byte >= BELL && byte <= 0x0a) || byte === 0x0d || byte === ESCAPE;
}

/** The newest 256 bytes of text on a line, up to the last byte that is not text. */
export class RecentText {
  readonly #bytes: Uint8Array = new Uint8Array(KEPT_MAX);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /**
   * Takes in a run; returns the text that it ends with, and the text kept before in front of it if the run is all text.
   * Without control sequences.
   */
  add(run: Uint8Array): string {
    let from = run.length;
    while (from > 0 && isTerminalByte(run[from - 1] as number)) from--;
    if (from > 0) this.#length = 0;
    const before = this.#text();
    const text = run.subarray(from);
    const piece = text.subarray(Math.max(0, text.length - KEPT_MAX));
    const kept = Math.min(this.#length, KEPT_MAX - piece.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    this.#bytes.set(piece, kept);
    this.#length = kept + piece.length;
    return (before + String.fromCharCode(...text)).replace(CONTROL_SEQUENCE, "");
  }

  /** What is kept, without control sequences. */
  get text(): string {
    return this.#text().replace(CONTROL_SEQUENCE, "");
  }

  /** The same with them, as it came. */
  get raw(): string {
    return this.#text();
  }

  #text(): string {
    return String.fromCharCode(...this.#bytes.subarray(0, this.#length));
  }
}
