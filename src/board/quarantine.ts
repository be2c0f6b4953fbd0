import { toHex } from "../base/bytes.ts";

/** How often an image may fail to confirm before the board takes it only when nothing else suits. */
export const FAILED_CONFIRMS_MAX = 3;
/** Refusals of a quarantined image, by a board that does not boot, before it is taken once more. */
export const YIELD_AFTER_MIN = 3;
/** These double with each further failed confirm, up to this many. */
export const YIELD_AFTER_MAX = 48;
/** Images whose refusals are counted; the one refused longest ago gives way. */
const COUNTED_MAX = 8;

/**
 * Quarantine of images that failed to confirm (PROTOCOL.md 13.4). A board that boots keeps it strictly. One that does
 * not boot refuses first, so that its neighbours offer what else they have, and yields when the same image is offered
 * again and again: the trials may have failed for want of power, and a bad image can be replaced while none cannot.
 */
export class Quarantine {
  readonly #refusals: Map<string, number> = new Map();

  /** Whether the image, which failed to confirm `failed` times on this board, is refused this time. */
  refuses(digest8: Uint8Array, failed: number, isBootable: boolean): boolean {
    if (failed < FAILED_CONFIRMS_MAX) return false;
    if (isBootable) return true;
    const needed = Math.min(YIELD_AFTER_MAX, YIELD_AFTER_MIN * 2 ** (failed - FAILED_CONFIRMS_MAX));
    // Once yielded it stays so until the image fails again: a session that was lost goes on.
    const key = `${toHex(digest8)} ${failed}`;
    const refusals = this.#refusals.get(key) ?? 0;
    if (refusals >= needed) return false;
    this.#refusals.delete(key);
    this.#refusals.set(key, refusals + 1);
    for (const oldest of this.#refusals.keys()) {
      if (this.#refusals.size <= COUNTED_MAX) break;
      this.#refusals.delete(oldest);
    }
    return true;
  }
}
