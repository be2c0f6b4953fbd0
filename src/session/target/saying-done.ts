import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { Repeats, turnTime } from "../repeats.ts";
import type { Receiving } from "./receiving.ts";

/** Between two DONE at last. */
const DONE_INTERVAL_MIN_MS = 200;
/** Grant of nothing, done and beacon on the line. */
const DONE_BYTES = 10 + 16 + 69;
const DONE_REPEATED_FOR_MS = 15_000;

/** The end of a target's session: DONE, again until somebody has heard it (PROTOCOL.md 5.12). */
export class SayingDone {
  readonly #link: Link;
  readonly #digest: Uint8Array;
  readonly #receiving: Receiving;
  readonly #sendBeacon: () => void;
  /** When nobody is expected to answer any more. */
  readonly endsAt: Millis;
  readonly #repeats: Repeats;
  #isRepeated = false;

  constructor(now: Millis, link: Link, digest: Uint8Array, receiving: Receiving, sendBeacon: () => void) {
    this.#link = link;
    this.#digest = digest;
    this.#receiving = receiving;
    this.#sendBeacon = sendBeacon;
    this.endsAt = now + DONE_REPEATED_FOR_MS;
    const { timeout } = link.rtt;
    const longest = Math.max(timeout, DONE_INTERVAL_MIN_MS, 2 * link.lineTime(DONE_BYTES));
    this.#repeats = new Repeats(now, Math.max(timeout, turnTime(link)), longest);
  }

  /** When it is said again. */
  get repeatAt(): Millis {
    return this.#repeats.at;
  }

  /** Says it if that is due. Extra calls are harmless. */
  sayDue(now: Millis): void {
    if (!this.#repeats.take(now)) return;
    this.#receiving.endGrants();
    this.#link.send({ tag: "done", digest: this.#digest });
    // Not the first DONE: the rescuer may be another one by now, which cannot read it.
    if (this.#isRepeated) this.#sendBeacon();
    this.#isRepeated = true;
  }
}
