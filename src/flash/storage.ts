import { assert } from "../base/assert.ts";

/** The bytes under a flash, without its rules, as a programmer clip or damage reaches them. */
export interface FlashStorage {
  /** In bytes. */
  readonly size: number;
  /** A fresh copy. The range must lie within the storage. */
  read(offset: number, length: number): Uint8Array;
  /** Writes bytes: a NOR chip only clears bits, other media overwrite. The range must lie within the storage. */
  write(offset: number, bytes: Uint8Array): void;
  /** Erases bytes to `erasedByte`. The range must lie within the storage and be whole sectors. */
  erase(offset: number, size: number, erasedByte: number): void;
  /** Returns when everything written survives a crash of the machine. */
  sync(): void;
  /** Releases the storage. Idempotent. */
  close(): void;
}

/** A storage in memory, erased at first. `erasedByte` is 0xFF unless given. */
export class MemoryStorage implements FlashStorage {
  readonly #bytes: Uint8Array;

  constructor(size: number, erasedByte = 0xff) {
    this.#bytes = new Uint8Array(size).fill(erasedByte);
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    assert(offset >= 0 && length >= 0 && offset + length <= this.size, `read ${length} at ${offset}`);
    return this.#bytes.slice(offset, offset + length);
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(offset >= 0 && offset + bytes.length <= this.size, `write ${bytes.length} at ${offset}`);
    this.#bytes.set(bytes, offset);
  }

  erase(offset: number, size: number, erasedByte: number): void {
    this.write(offset, new Uint8Array(size).fill(erasedByte));
  }

  sync(): void {}

  close(): void {}
}
