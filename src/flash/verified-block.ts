import { equalBytes } from "../base/bytes.ts";
import { type FlashUnit, padToUnits } from "./geometry.ts";

/**
 * Bytes whose hash was found right, in RAM, before they go to flash (PROTOCOL.md 6.3). A slot takes nothing
 * else, so that "no unverified byte is ever programmed" is a matter of types and of {@link NorFlash}, not of care.
 */
export class VerifiedBlock {
  /** The bytes as checked, filled with erased bytes (which program nothing) to whole write units. */
  readonly padded: Uint8Array;
  /** Bytes that count. */
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

  /** Whether the bytes still hash right: asked by the flash itself, right before it programs them. */
  get isIntact(): boolean {
    return equalBytes(this.#hash(this.padded.subarray(0, this.size)), this.#expected);
  }

  /** A private copy of `bytes`, if `hash` of that copy is `expected`. */
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
