import { equalBytes } from "../base/bytes.ts";
import { type FlashUnit, padToUnits } from "./geometry.ts";

/**
 * Bytes whose hash was verified in RAM before they are programmed (PROTOCOL.md 6.3). A slot takes nothing else,
 * so that types and {@link NorFlash} guarantee that no unverified byte is programmed.
 */
export class VerifiedBlock {
  /** The verified bytes, padded to whole write units with erased bytes, which program nothing. */
  readonly padded: Uint8Array;
  /** Bytes without the padding. */
  readonly size: number;
  readonly #expected: Uint8Array;
  readonly #hash: (bytes: Uint8Array) => Uint8Array;

  private constructor(
    padded: Uint8Array,
    size: number,
    expected: Uint8Array,
    hash: (bytes: Uint8Array) => Uint8Array,
  ) {
    this.padded = padded;
    this.size = size;
    this.#expected = expected;
    this.#hash = hash;
  }

  /** Whether the bytes still have the expected hash. The flash asks just before it programs them. */
  get isIntact(): boolean {
    return equalBytes(this.#hash(this.padded.subarray(0, this.size)), this.#expected);
  }

  /** A copy of `bytes`, if its `hash` is `expected`; undefined otherwise. */
  static check(
    bytes: Uint8Array,
    expected: Uint8Array,
    hash: (bytes: Uint8Array) => Uint8Array,
    unit: FlashUnit,
  ): VerifiedBlock | undefined {
    const padded = padToUnits(unit, bytes);
    const copy = padded.subarray(0, bytes.length);
    if (!equalBytes(hash(copy), expected)) return undefined;
    return new VerifiedBlock(padded, bytes.length, expected.slice(), hash);
  }
}
