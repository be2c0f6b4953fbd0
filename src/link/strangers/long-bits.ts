/** Bytes that have to come until something is said of them. */
const BYTES_MIN = 64;
/** Share of them that show longer bits: of others, text too, a quarter does by chance. */
const SHARE_MIN = 0.9;
/** Counts are halved then, so that what comes later shows. */
const BYTES_KEPT = 4096;

/**
 * Recognises a sender with a rate of a third of ours or less: its start bit lasts three of our bits at least, so that the two
 * lowest bits of each byte are zero, whatever was sent. From a tenth on no byte comes: each lacks its stop bit.
 */
export class LongBits {
  #bytes = 0;
  #long = 0;

  /** Takes in bytes that are no frame. Zeros say nothing: a line that is held low gives them. */
  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0) continue;
      this.#bytes++;
      if ((byte & 3) === 0) this.#long++;
    }
    while (this.#bytes >= BYTES_KEPT) {
      this.#bytes /= 2;
      this.#long /= 2;
    }
  }

  /** A frame came: both ends have the same rate. */
  clear(): void {
    this.#bytes = 0;
    this.#long = 0;
  }

  /** Whether what came is a sender's with longer bits. May change after: {@link add}, {@link clear}. */
  get areSeen(): boolean {
    return this.#bytes >= BYTES_MIN && this.#long >= SHARE_MIN * this.#bytes;
  }
}
