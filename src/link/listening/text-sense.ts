import { isPrintable, PRINTABLE_SHARE, STRETCH_MIN, STRETCH_SURE } from "../strangers/console-text.ts";

/**
 * Tells text from frames while a run still arrives, by the rule that finished runs are searched with (PROTOCOL.md 2.3): a
 * boot log ends no run until it pauses.
 */
export class TextSense {
  #length = 0;
  #printable = 0;
  #stretch = 0;
  #longest = 0;

  /** The run ended. */
  clear(): void {
    this.#length = 0;
    this.#printable = 0;
    this.#stretch = 0;
    this.#longest = 0;
  }

  /** Takes in more of the run; whether it looks like text so far. */
  add(bytes: Uint8Array): boolean {
    for (const byte of bytes) {
      this.#length++;
      if (isPrintable(byte)) {
        this.#printable++;
        this.#stretch++;
        this.#longest = Math.max(this.#longest, this.#stretch);
      } else this.#stretch = 0;
    }
    const isMostlyPrintable = this.#printable >= PRINTABLE_SHARE * this.#length;
    return this.#longest >= (isMostlyPrintable ? STRETCH_MIN : STRETCH_SURE);
  }
}
