import { BoundedMap } from "../../base/bounded-map.ts";
import { toHex } from "../../base/bytes.ts";
import type { Millis } from "../../base/units.ts";

/** Most starts of targets that are remembered; the one heard longest ago is dropped first. */
const STOOD_DOWN_MAX = 64;

/** Which starts of targets said that another rescuer serves them, and for how long they are not answered (PROTOCOL.md 5.5). */
export class StoodDown {
  readonly #until: BoundedMap<string, Millis> = new BoundedMap(STOOD_DOWN_MAX);

  /** The target that started with this boot nonce stood us down for this long. */
  add(now: Millis, nonce: Uint8Array, forMs: Millis): void {
    this.#until.set(toHex(nonce), now + forMs);
  }

  /** How long the calls of this start are not answered. */
  leftOf(now: Millis, nonce: Uint8Array): Millis {
    return Math.max(0, (this.#until.get(toHex(nonce)) ?? now) - now);
  }
}
