/** Line that is remembered, in bytes: what is heard before a session is a few frames. */
const MEMORY_BYTES = 2048;
const PRIOR_WRONG = 0.02;
const PRIOR_BYTES = 700;
/** The longest part of a damaged run that counts: where one wrong byte is known of, a long run says little about how many. */
const DAMAGED_BYTES_MAX = 128;
/** Below this wrong bytes in one byte, a short frame in COBS is lost in one case of a hundred. */
const BAD_RATE = 2e-4;

/** Wrong bytes in what this end hears, with a short exponential memory (PROTOCOL.md 2.5). */
export class Hearing {
  #wrong = PRIOR_WRONG;
  #bytes = PRIOR_BYTES;

  /** A frame of so many bytes on the line came, with so many wrong ones. */
  noteFrame(bytes: number, wrongBytes: number): void {
    const keep = Math.exp(-bytes / MEMORY_BYTES);
    this.#wrong = this.#wrong * keep + wrongBytes;
    this.#bytes = this.#bytes * keep + bytes;
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
