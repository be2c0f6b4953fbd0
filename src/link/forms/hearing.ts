/** Line that is remembered, in bytes: what is heard before a session is a few frames. */
const MEMORY_BYTES = 2048;
const PRIOR_WRONG = 0.02;
const PRIOR_BYTES = 700;
/** The longest part of a damaged run that counts: where one wrong byte is known of, a long run says little about how many. */
const DAMAGED_BYTES_MAX = 128;
/** Mended bytes that count, as far as they are remembered. */
const MENDED_MIN = 0.5;
/** Below this wrong bytes in one byte, a short frame in COBS is lost in one case of a hundred. */
const BAD_RATE = 2e-4;

/** Wrong bytes in what this end hears, with a short exponential memory (PROTOCOL.md 2.5). */
export class Hearing {
  #wrong = PRIOR_WRONG;
  #bytes = PRIOR_BYTES;
  #mended = 0;

  /** A frame of so many bytes on the line came, with so many wrong ones. */
  noteFrame(bytes: number, wrongBytes: number): void {
    const keep = Math.exp(-bytes / MEMORY_BYTES);
    this.#wrong = this.#wrong * keep + wrongBytes;
    this.#bytes = this.#bytes * keep + bytes;
    this.#mended *= keep;
  }

  /** A frame of the second form came, of so many bytes on the line, with so many wrong ones. */
  noteCoded(bytes: number, wrongBytes: number): void {
    this.noteFrame(bytes, wrongBytes);
    this.#mended += wrongBytes;
  }

  /**
   * Bytes are known to be wrong, and not lost: some were mended lately. A damaged run shows neither, and one comes wherever a
   * port is opened in the middle of a frame.
   */
  get hasMended(): boolean {
    return this.#mended >= MENDED_MIN;
  }

  /** Bytes came that are no frame, and no text. */
  noteDamaged(bytes: number): void {
    this.noteFrame(Math.min(bytes, DAMAGED_BYTES_MAX), 1);
  }

  /** Wrong bytes per byte. */
  get wrongRate(): number {
    return this.#wrong / this.#bytes;
  }

  /** Short frames in COBS are lost too often. */
  get isBad(): boolean {
    return isBadRate(this.wrongRate);
  }
}

/** Whether short frames in COBS are lost too often at so many wrong bytes per byte. */
export function isBadRate(wrongRate: number): boolean {
  return wrongRate > BAD_RATE;
}
