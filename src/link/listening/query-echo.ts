import type { Millis } from "../../base/units.ts";

/** A console echoes at once what it reads, and is done this long after the query has left. */
const ECHO_MS = 250;
/** Fewer bytes may be noise. */
const ECHO_BYTES_MIN = 4;
/** A bare query and one that carries a call take turns. */
const QUERIES_KEPT = 2;

/**
 * Tells a console that reads a query by what it makes of it: bytes without the delimiters between which nodes send, at once,
 * two of them as they stand side by side in the query (PROTOCOL.md 2.4). A line editor moves its cursor and drops keys, so that
 * the echo is neither the query nor text. Bytes of another rate share no pair with it but by chance.
 */
export class QueryEcho {
  #until: Millis = Number.NEGATIVE_INFINITY;
  /** Pairs of neighbouring bytes of the newest queries, the newest one last. */
  readonly #pairs: ReadonlySet<number>[] = [];
  /** The run that arrives began behind a delimiter: it may be a frame that was cut off. */
  #isDelimited = false;

  /** A query was sent to nobody known: these bytes, which take `lineMs` on the line. */
  noteAsked(now: Millis, query: Uint8Array, lineMs: Millis): void {
    this.#until = now + lineMs + ECHO_MS;
    this.#pairs.push(pairsOf(query));
    if (this.#pairs.length > QUERIES_KEPT) this.#pairs.shift();
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
  take(now: Millis, body: Uint8Array, isDelimited: boolean): boolean {
    const isBare = !isDelimited && !this.#isDelimited;
    this.#isDelimited = isDelimited;
    if (!isBare || body.length < ECHO_BYTES_MIN || now > this.#until) return false;
    return [...pairsOf(body)].some((pair) => this.#pairs.some((asked) => asked.has(pair)));
  }
}

function pairsOf(bytes: Uint8Array): Set<number> {
  const pairs = new Set<number>();
  for (let i = 1; i < bytes.length; i++) pairs.add(((bytes[i - 1] ?? 0) << 8) | (bytes[i] ?? 0));
  return pairs;
}
