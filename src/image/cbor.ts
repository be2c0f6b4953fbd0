import { assert } from "../base/assert.ts";
import { EMPTY } from "../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/*
 * The part of CBOR (RFC 8949) that manifests use: unsigned integers, byte and text strings, arrays and maps of known
 * length, in the deterministic encoding of section 4.2.1. The reader does not follow nesting: manifest-payload.ts
 * asks for one item after another, so nothing recurses and no declared length is trusted.
 */

const MajorType = { uint: 0, bytes: 2, text: 3, array: 4, map: 5 } as const;
type MajorType = (typeof MajorType)[keyof typeof MajorType];

/** Writes deterministic CBOR into a buffer of fixed size. Throws AssertionError when the buffer is full. */
export class CborWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get length(): number {
    return this.#at;
  }

  uint(value: number): this {
    return this.#head(MajorType.uint, value);
  }

  bytes(value: Uint8Array): this {
    return this.#head(MajorType.bytes, value.length).#raw(value);
  }

  text(value: string): this {
    const bytes = encodeUtf8(value);
    return this.#head(MajorType.text, bytes.length).#raw(bytes);
  }

  array(count: number): this {
    return this.#head(MajorType.array, count);
  }

  map(count: number): this {
    return this.#head(MajorType.map, count);
  }

  /** A view of what was written. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #raw(bytes: Uint8Array): this {
    assert(this.#at + bytes.length <= this.#bytes.length, "CBOR does not fit its buffer");
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  #head(major: MajorType, value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `CBOR integer ${value}`);
    const type = major << 5;
    if (value < 24) return this.#raw(Uint8Array.of(type | value));
    if (value <= 0xff) return this.#raw(Uint8Array.of(type | 24, value));
    const width = value <= 0xffff ? 2 : value <= 0xffff_ffff ? 4 : 8;
    const head = new DataView(new ArrayBuffer(1 + width));
    head.setUint8(0, type | (width === 2 ? 25 : width === 4 ? 26 : 27));
    if (width === 2) head.setUint16(1, value);
    else if (width === 4) head.setUint32(1, value);
    else head.setBigUint64(1, BigInt(value));
    return this.#raw(new Uint8Array(head.buffer));
  }
}

/** Why a {@link CborReader} stopped. */
export type CborFault =
  | "truncated" // the item runs past the end
  | "type" // another type of item than the caller asked for
  | "not-canonical" // longer head than needed, or indefinite length
  | "range" // a number or length beyond its limit
  | "text"; // not UTF-8

/**
 * Reads CBOR items over a view. Keeps the first fault; every read after it gives zero or an empty value. Never
 * throws. Check {@link fault} at the end.
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #fault: { readonly fault: CborFault; readonly offset: number } | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get fault(): { readonly fault: CborFault; readonly offset: number } | undefined {
    return this.#fault;
  }

  /** Offset of the next item. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** An unsigned integer from `min` to `max`. */
  uint(max: number, min = 0): number {
    return this.#head(MajorType.uint, min, max);
  }

  /** A byte string of `min` to `max` bytes. A view. */
  bytes(min: number, max: number): Uint8Array {
    return this.#take(this.#head(MajorType.bytes, min, max));
  }

  /** UTF-8 text of at most `max` bytes. */
  text(max: number): string {
    const offset = this.#at;
    const bytes = this.#take(this.#head(MajorType.text, 0, max));
    return decodeUtf8(bytes) ?? this.#fail("text", offset, "");
  }

  /** The head of an array of exactly `count` items. */
  array(count: number): void {
    this.#head(MajorType.array, count, count);
  }

  /** The head of a map of exactly `count` pairs. */
  map(count: number): void {
    this.#head(MajorType.map, count, count);
  }

  #fail<T>(fault: CborFault, offset: number, value: T): T {
    this.#fault ??= { fault, offset };
    return value;
  }

  #take(length: number): Uint8Array {
    if (this.#fault !== undefined) return EMPTY;
    if (length > this.remaining) return this.#fail("truncated", this.#at, EMPTY);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #head(major: MajorType, min: number, max: number): number {
    const offset = this.#at;
    const initial = this.#take(1)[0];
    if (initial === undefined) return 0;
    if (initial >>> 5 !== major) return this.#fail("type", offset, 0);
    const info = initial & 0x1f;
    // 28 to 30 are reserved, 31 is an indefinite length.
    if (info > 27) return this.#fail("not-canonical", offset, 0);
    const value = info < 24 ? info : this.#argument(2 ** (info - 24), offset);
    if (this.#fault !== undefined) return 0;
    return value < min || value > max ? this.#fail("range", offset, 0) : value;
  }

  /** The big-endian number of `width` bytes after the initial byte. Not canonical if it fits a shorter form. */
  #argument(width: number, offset: number): number {
    let value = 0;
    // Not exact above 2^53, but still above every limit that a caller sets.
    for (const byte of this.#take(width)) value = value * 256 + byte;
    const least = width === 1 ? 24 : 2 ** (4 * width);
    return value < least ? this.#fail("not-canonical", offset, 0) : value;
  }
}
