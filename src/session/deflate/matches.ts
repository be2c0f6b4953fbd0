/** Shortest and longest copy, and how far back one may reach (RFC 1951, 3.2.5). */
const MATCH_MIN = 3;
const MATCH_MAX = 258;
const REACH = 32_768;
const HASH_BITS = 15;
/** Earlier places that are compared with one place. */
const CHAIN_MAX = 128;
/** A copy of this length is taken without a look at the next place. */
const GOOD_LENGTH = 32;

/** A literal (`length` 0, `value` the byte), or a copy (`value` the distance). */
export interface Token {
  readonly length: number;
  readonly value: number;
}

/** Finds copies: an index of all places of a window by their next three bytes. */
class Finder {
  readonly #window: Uint8Array;
  readonly #latest: Int32Array = new Int32Array(1 << HASH_BITS).fill(-1);
  /** The place before each one that has the same hash. */
  readonly #before: Int32Array;

  constructor(window: Uint8Array) {
    this.#window = window;
    this.#before = new Int32Array(window.length);
  }

  #byte(at: number): number {
    return this.#window[at] ?? 0;
  }

  #hash(at: number): number {
    const bytes = this.#byte(at) | (this.#byte(at + 1) << 8) | (this.#byte(at + 2) << 16);
    return Math.imul(bytes, 0x9e37_79b1) >>> (32 - HASH_BITS);
  }

  insert(at: number): void {
    if (at + MATCH_MIN > this.#window.length) return;
    const hash = this.#hash(at);
    this.#before[at] = this.#latest[hash] ?? -1;
    this.#latest[hash] = at;
  }

  /** The longest copy for a place, of at least three bytes, from the nearest place that has it. */
  find(at: number): Token | undefined {
    const longest = Math.min(MATCH_MAX, this.#window.length - at);
    if (longest < MATCH_MIN) return undefined;
    let length = MATCH_MIN - 1;
    let distance = 0;
    let from = this.#latest[this.#hash(at)] ?? -1;
    for (let tries = 0; from >= 0 && at - from <= REACH && tries < CHAIN_MAX; tries++) {
      if (this.#byte(from + length) === this.#byte(at + length)) {
        let same = 0;
        while (same < longest && this.#byte(from + same) === this.#byte(at + same)) same++;
        if (same > length) {
          length = same;
          distance = at - from;
          if (length === longest) break;
        }
      }
      from = this.#before[from] ?? -1;
    }
    return distance === 0 ? undefined : { length, value: distance };
  }
}

/** Writes `window` from `start` on as literals and copies; what is before may be copied from. */
export function tokensOf(window: Uint8Array, start: number): readonly Token[] {
  const finder = new Finder(window);
  for (let at = 0; at < start; at++) finder.insert(at);
  const tokens: Token[] = [];
  let found = finder.find(start);
  for (let at = start; at < window.length; ) {
    finder.insert(at);
    const next = found === undefined || found.length >= GOOD_LENGTH ? undefined : finder.find(at + 1);
    // A longer copy at the next place is worth a literal here.
    if (found === undefined || (next !== undefined && next.length > found.length)) {
      tokens.push({ length: 0, value: window[at] ?? 0 });
      at++;
      found = next ?? finder.find(at);
      continue;
    }
    tokens.push(found);
    for (let i = 1; i < found.length; i++) finder.insert(at + i);
    at += found.length;
    found = finder.find(at);
  }
  return tokens;
}
