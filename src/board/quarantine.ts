import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";

/** Failed confirms after which an image is in quarantine. */
export const FAILED_CONFIRMS_MAX = 3;
/** Times that a board which does not boot refuses a quarantined image before it takes it once more. */
export const YIELD_AFTER_MIN = 3;
/** That number doubles with each further failed confirm, up to this. */
export const YIELD_AFTER_MAX = 48;
/** Images whose refusals are counted; beyond, the one refused longest ago is forgotten. */
const COUNTED_MAX = 8;

/**
 * Quarantine of images that failed to confirm (PROTOCOL.md 13.4). A board that boots refuses them always. A board
 * that does not boot refuses them at first, so that its neighbours offer other images, and takes one that is offered
 * again and again: its trials may have failed because power was short, and one more trial costs less than to stay in
 * distress.
 */
export class Quarantine {
  readonly #refusals: BoundedMap<string, number> = new BoundedMap(COUNTED_MAX);

  /**
   * Decides on an offer of an image that failed to confirm `failed` times on this board, and counts a refusal that
   * may end one day.
   */
  judgeOffer(digest8: Uint8Array, failed: number, isBootable: boolean): "take" | "refuse" {
    if (failed < FAILED_CONFIRMS_MAX) return "take";
    if (isBootable) return "refuse";
    const needed = Math.min(YIELD_AFTER_MAX, YIELD_AFTER_MIN * 2 ** (failed - FAILED_CONFIRMS_MAX));
    // Once taken, it is taken until it fails again, so that a lost session can be resumed.
    const key = `${toHex(digest8)} ${failed}`;
    const refusals = this.#refusals.get(key) ?? 0;
    if (refusals >= needed) return "take";
    this.#refusals.set(key, refusals + 1);
    return "refuse";
  }
}
