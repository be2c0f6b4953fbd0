import type { Millis } from "../../base/units.ts";

/** A console echoes at once what it reads, and is done this long after the query has left. */
const ECHO_MS = 250;
/** Fewer bytes may be noise. */
const ECHO_BYTES_MIN = 4;

/**
 * Tells a console that reads a query by what it makes of it: bytes without the delimiters between which nodes send, at once
 * (PROTOCOL.md 2.4). A line editor moves its cursor and drops keys, so that the echo is neither the query nor text.
 */
export class QueryEcho {
  #until: Millis = Number.NEGATIVE_INFINITY;
  /** The run that arrives began behind a delimiter: it may be a frame that was cut off. */
  #isDelimited = false;

  /** A query was sent to nobody known, which takes `lineMs` on the line. */
  noteAsked(now: Millis, lineMs: Millis): void {
    this.#until = now + lineMs + ECHO_MS;
  }

  /** A delimiter came, and what follows it begins a run. */
  noteDelimiter(): void {
    this.#isDelimited = true;
  }

  /** A valid frame came: a node reads the line. */
  noteFrame(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** What is no frame came, `isDelimited` at its end; whether it is an echo of the query. */
  take(now: Millis, bytes: number, isDelimited: boolean): boolean {
    const isEcho = !isDelimited && !this.#isDelimited && bytes >= ECHO_BYTES_MIN && now <= this.#until;
    this.#isDelimited = isDelimited;
    return isEcho;
  }
}
