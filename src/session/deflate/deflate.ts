import { codeLengths } from "./code-lengths.ts";
import { type Token, tokensOf } from "./matches.ts";
import {
  BITS_MAX,
  DISTANCE_BASE,
  DISTANCES_MAX,
  distanceBitsOf,
  END_OF_BLOCK,
  LENGTH_BASE,
  LENGTH_BITS,
  LENGTHS_ORDER,
  LITERALS_MAX,
} from "./tables.ts";

/** Longest code that the lengths of other codes are written in, in bits. */
const FIRST_BITS_MAX = 7;

/** Bits into bytes, the first one lowest. Grows. */
class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #heldBits = 0;

  /** At most 16 bits. */
  bits(value: number, count: number): void {
    this.#held |= value << this.#heldBits;
    this.#heldBits += count;
    while (this.#heldBits >= 8) {
      this.#bytes.push(this.#held & 0xff);
      this.#held >>>= 8;
      this.#heldBits -= 8;
    }
  }

  finish(): Uint8Array {
    if (this.#heldBits > 0) this.#bytes.push(this.#held & 0xff);
    return Uint8Array.from(this.#bytes);
  }
}

/** Writes symbols of one Huffman code, whose bits go out highest first. */
class SymbolWriter {
  readonly #writer: BitWriter;
  readonly #lengths: Uint8Array;
  readonly #codes: Uint16Array;

  constructor(writer: BitWriter, lengths: Uint8Array) {
    this.#writer = writer;
    this.#lengths = lengths;
    this.#codes = new Uint16Array(lengths.length);
    let next = 0;
    for (let bits = 1; bits <= BITS_MAX; bits++) {
      for (const [symbol, length] of lengths.entries())
        if (length === bits) this.#codes[symbol] = reversed(next++, bits);
      next <<= 1;
    }
  }

  write(symbol: number): void {
    this.#writer.bits(this.#codes[symbol] ?? 0, this.#lengths[symbol] ?? 0);
  }
}

function reversed(code: number, bits: number): number {
  let out = 0;
  for (let i = 0; i < bits; i++) out |= ((code >> i) & 1) << (bits - 1 - i);
  return out;
}

/** The symbol whose range begins last before `value`, or at it. */
function symbolOf(bases: readonly number[], value: number): number {
  let symbol = bases.length - 1;
  while ((bases[symbol] ?? 0) > value) symbol--;
  return symbol;
}

/** How often each symbol of the two codes occurs. */
function countSymbols(tokens: readonly Token[]): readonly [literals: number[], distances: number[]] {
  const literals = new Array<number>(LITERALS_MAX).fill(0);
  const distances = new Array<number>(DISTANCES_MAX).fill(0);
  const add = (counts: number[], symbol: number): void => {
    counts[symbol] = (counts[symbol] ?? 0) + 1;
  };
  add(literals, END_OF_BLOCK);
  for (const { length, value } of tokens) {
    if (length === 0) add(literals, value);
    else {
      add(literals, END_OF_BLOCK + 1 + symbolOf(LENGTH_BASE, length));
      add(distances, symbolOf(DISTANCE_BASE, value));
    }
  }
  return [literals, distances];
}

/** A length of a code that is written, or a repetition: its symbol, and the bits that follow. */
type LengthToken = readonly [symbol: number, bits: number, count: number];

/** The lengths of both codes, with runs of zeros, and of one length, in short. */
function lengthTokens(lengths: Uint8Array): readonly LengthToken[] {
  const tokens: LengthToken[] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at] ?? 0;
    let run = 1;
    while (lengths[at + run] === length) run++;
    at += run;
    if (length !== 0) {
      tokens.push([length, 0, 0]);
      run--;
    }
    while (run >= 3) {
      const most = length !== 0 ? 6 : run >= 11 ? 138 : 10;
      const taken = Math.min(run, most);
      tokens.push(length !== 0 ? [16, taken - 3, 2] : taken >= 11 ? [18, taken - 11, 7] : [17, taken - 3, 3]);
      run -= taken;
    }
    for (; run > 0; run--) tokens.push([length, 0, 0]);
  }
  return tokens;
}

/** Writes the two codes of a dynamic block (RFC 1951, 3.2.7). */
function writeCodes(writer: BitWriter, literals: Uint8Array, distances: Uint8Array): void {
  const tokens = lengthTokens(Uint8Array.of(...literals, ...distances));
  const counts = new Array<number>(LENGTHS_ORDER.length).fill(0);
  for (const [symbol] of tokens) counts[symbol] = (counts[symbol] ?? 0) + 1;
  const first = codeLengths(counts, FIRST_BITS_MAX);
  let stated = LENGTHS_ORDER.length;
  while (stated > 4 && first[LENGTHS_ORDER[stated - 1] ?? 0] === 0) stated--;
  writer.bits(literals.length - 257, 5);
  writer.bits(distances.length - 1, 5);
  writer.bits(stated - 4, 4);
  for (const symbol of LENGTHS_ORDER.slice(0, stated)) writer.bits(first[symbol] ?? 0, 3);
  const symbols = new SymbolWriter(writer, first);
  for (const [symbol, bits, count] of tokens) {
    symbols.write(symbol);
    writer.bits(bits, count);
  }
}

/** Without the symbols at the end that have no code; `least` are kept. */
function trimmed(lengths: Uint8Array, least: number): Uint8Array {
  let count = lengths.length;
  while (count > least && lengths[count - 1] === 0) count--;
  return lengths.subarray(0, count);
}

/**
 * Compresses to one stream of raw DEFLATE (RFC 1951), of one dynamic block, with the bytes of `dictionary` before the first
 * one. Gives the same for the same input everywhere. Where `node:zlib` is there, it is faster.
 */
export function deflate(bytes: Uint8Array, dictionary: Uint8Array = new Uint8Array()): Uint8Array {
  const window = new Uint8Array(dictionary.length + bytes.length);
  window.set(dictionary);
  window.set(bytes, dictionary.length);
  const tokens = tokensOf(window, dictionary.length);
  const [literalCounts, distanceCounts] = countSymbols(tokens);
  const literalLengths = trimmed(codeLengths(literalCounts, BITS_MAX), END_OF_BLOCK + 1);
  const distanceLengths = trimmed(codeLengths(distanceCounts, BITS_MAX), 1);
  const writer = new BitWriter();
  writer.bits(0b101, 3);
  writeCodes(writer, literalLengths, distanceLengths);
  const literals = new SymbolWriter(writer, literalLengths);
  const distances = new SymbolWriter(writer, distanceLengths);
  for (const { length, value } of tokens) {
    if (length === 0) {
      literals.write(value);
      continue;
    }
    const lengthSymbol = symbolOf(LENGTH_BASE, length);
    literals.write(END_OF_BLOCK + 1 + lengthSymbol);
    writer.bits(length - (LENGTH_BASE[lengthSymbol] ?? 0), LENGTH_BITS[lengthSymbol] ?? 0);
    const distanceSymbol = symbolOf(DISTANCE_BASE, value);
    distances.write(distanceSymbol);
    writer.bits(value - (DISTANCE_BASE[distanceSymbol] ?? 0), distanceBitsOf(distanceSymbol));
  }
  literals.write(END_OF_BLOCK);
  return writer.finish();
}
