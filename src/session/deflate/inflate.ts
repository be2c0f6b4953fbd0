import {
  BITS_MAX,
  DISTANCE_BASE,
  DISTANCES_MAX,
  distanceBitsOf,
  END_OF_BLOCK,
  fixedLiteralLengths,
  LENGTH_BASE,
  LENGTH_BITS,
  LENGTHS_ORDER,
  LITERALS_MAX,
} from "./tables.ts";

/** A canonical Huffman code: how many codes have each length, and the symbols in the order of their codes. */
interface HuffmanCode {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/**
 * The code with these lengths of its symbols, 0 for those without one. Undefined when it has more codes than fit, or, as
 * zlib judges it, fewer and not just a single one of one bit.
 */
function huffmanCode(lengths: Uint8Array, mayBeSingle: boolean): HuffmanCode | undefined {
  const counts = new Uint16Array(BITS_MAX + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  counts[0] = 0;
  const starts = new Uint16Array(BITS_MAX + 2);
  let free = 1;
  let used = 0;
  for (let bits = 1; bits <= BITS_MAX; bits++) {
    const count = counts[bits] ?? 0;
    free = 2 * free - count;
    used += count;
    if (free < 0) return undefined;
    starts[bits + 1] = used;
  }
  if (free > 0 && !(mayBeSingle && used === (counts[1] ?? 0))) return undefined;
  const symbols = new Uint16Array(used);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const at = starts[length] ?? 0;
    symbols[at] = symbol;
    starts[length] = at + 1;
  }
  return { counts, symbols };
}

function fixedCodes(): readonly [HuffmanCode, HuffmanCode] | undefined {
  const literals = huffmanCode(fixedLiteralLengths(), false);
  const distances = huffmanCode(new Uint8Array(32).fill(5), false);
  return literals && distances && [literals, distances];
}

/** Reads raw DEFLATE into a buffer that never grows. Each step takes a bit of the input or adds a byte to the output. */
class Inflater {
  readonly #input: Uint8Array;
  /** The dictionary, and behind it the output. */
  readonly #window: Uint8Array;
  #at = 0;
  #held = 0;
  #heldBits = 0;
  #end: number;

  constructor(input: Uint8Array, window: Uint8Array, start: number) {
    this.#input = input;
    this.#window = window;
    this.#end = start;
  }

  /** Whether the input is one stream, with nothing behind it, that fills the window. */
  run(): boolean {
    for (let isLast = false; !isLast; ) {
      isLast = this.#bits(1) === 1;
      if (!this.#block(this.#bits(2))) return false;
    }
    return this.#at === this.#input.length && this.#end === this.#window.length;
  }

  #block(type: number): boolean {
    if (type === 0) return this.#stored();
    const codes = type === 1 ? fixedCodes() : type === 2 ? this.#dynamicCodes() : undefined;
    return codes !== undefined && this.#coded(...codes);
  }

  /** The next `count` bits, at most 16, the first one lowest; below 0 at the end of the input. */
  #bits(count: number): number {
    while (this.#heldBits < count) {
      const byte = this.#input[this.#at];
      if (byte === undefined) return -1;
      this.#at++;
      this.#held |= byte << this.#heldBits;
      this.#heldBits += 8;
    }
    const bits = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#heldBits -= count;
    return bits;
  }

  #stored(): boolean {
    this.#held = 0;
    this.#heldBits = 0;
    const length = this.#bits(16);
    const complement = this.#bits(16);
    if (length < 0 || complement !== (length ^ 0xffff)) return false;
    if (length > this.#input.length - this.#at || length > this.#window.length - this.#end) return false;
    this.#window.set(this.#input.subarray(this.#at, this.#at + length), this.#end);
    this.#at += length;
    this.#end += length;
    return true;
  }

  #dynamicCodes(): readonly [HuffmanCode, HuffmanCode] | undefined {
    const literals = this.#bits(5) + 257;
    const distances = this.#bits(5) + 1;
    const stated = this.#bits(4) + 4;
    if (stated < 4 || literals > LITERALS_MAX || distances > DISTANCES_MAX) return undefined;
    const firstLengths = new Uint8Array(LENGTHS_ORDER.length);
    for (const symbol of LENGTHS_ORDER.slice(0, stated)) {
      const length = this.#bits(3);
      if (length < 0) return undefined;
      firstLengths[symbol] = length;
    }
    const first = huffmanCode(firstLengths, false);
    const lengths = first && this.#lengths(first, literals + distances);
    // Without it the block would not end.
    if (lengths === undefined || lengths[END_OF_BLOCK] === 0) return undefined;
    const literalCode = huffmanCode(lengths.subarray(0, literals), true);
    const distanceCode = huffmanCode(lengths.subarray(literals), true);
    return literalCode && distanceCode && [literalCode, distanceCode];
  }

  /** The lengths of the two codes of a dynamic block, which are themselves coded, with repetitions. */
  #lengths(code: HuffmanCode, count: number): Uint8Array | undefined {
    const lengths = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const symbol = this.#symbol(code);
      if (symbol < 0) return undefined;
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const before = symbol === 16 ? lengths[at - 1] : 0;
      const times =
        symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      const least = symbol === 18 ? 11 : 3;
      if (before === undefined || times < least || times > count - at) return undefined;
      lengths.fill(before, at, at + times);
      at += times;
    }
    return lengths;
  }

  /** The next symbol; below 0 when the bits are no code, or there are too few. */
  #symbol({ counts, symbols }: HuffmanCode): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let bits = 1; bits <= BITS_MAX; bits++) {
      const bit = this.#bits(1);
      if (bit < 0) return -1;
      code |= bit;
      const count = counts[bits] ?? 0;
      if (code - first < count) return symbols[index + code - first] ?? -1;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }

  #coded(literals: HuffmanCode, distances: HuffmanCode): boolean {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === END_OF_BLOCK) return true;
      if (symbol < 0) return false;
      if (symbol > END_OF_BLOCK) {
        if (!this.#copy(symbol - END_OF_BLOCK - 1, distances)) return false;
      } else {
        if (this.#end >= this.#window.length) return false;
        this.#window[this.#end++] = symbol;
      }
    }
  }

  #copy(lengthSymbol: number, distances: HuffmanCode): boolean {
    const lengthBits = this.#bits(LENGTH_BITS[lengthSymbol] ?? 0);
    const base = LENGTH_BASE[lengthSymbol];
    const symbol = this.#symbol(distances);
    const distanceBase = DISTANCE_BASE[symbol];
    if (base === undefined || lengthBits < 0 || distanceBase === undefined) return false;
    const distanceBits = this.#bits(distanceBitsOf(symbol));
    const length = base + lengthBits;
    const from = this.#end - distanceBase - distanceBits;
    if (distanceBits < 0 || from < 0 || length > this.#window.length - this.#end) return false;
    // Byte by byte: a copy may overlap itself.
    for (let i = 0; i < length; i++) this.#window[this.#end + i] = this.#window[from + i] ?? 0;
    this.#end += length;
    return true;
  }
}

/**
 * The `length` bytes that `deflated`, one stream of raw DEFLATE (RFC 1951), stands for, with `dictionary` before them. A view.
 * Undefined when it is malformed, longer or shorter, reaches behind the dictionary, or has bytes behind its end. Never
 * throws; allocates the dictionary's and the block's length, and takes time in proportion to input and output.
 */
export function inflate(
  deflated: Uint8Array,
  length: number,
  dictionary: Uint8Array = new Uint8Array(),
): Uint8Array | undefined {
  const window = new Uint8Array(dictionary.length + length);
  window.set(dictionary);
  const isWhole = new Inflater(deflated, window, dictionary.length).run();
  return isWhole ? window.subarray(dictionary.length) : undefined;
}
