import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { nominalLineTime } from "../progress-floor.ts";

/** Tells how long a session takes for blocks, by what it brought so far, and before that by the rate of its line. */
export class SharePace {
  readonly #link: Link;
  readonly #blockSize: number;
  #busySince: Millis | undefined;
  #busyMs: Millis = 0;
  #blocks = 0;
  #broughtAt: Millis;

  constructor(now: Millis, link: Link, blockSize: number) {
    this.#link = link;
    this.#blockSize = blockSize;
    this.#broughtAt = now;
  }

  /** The session has blocks open, or has none. */
  setBusy(now: Millis, isBusy: boolean): void {
    if (isBusy === (this.#busySince !== undefined)) return;
    if (this.#busySince !== undefined) this.#busyMs += now - this.#busySince;
    this.#busySince = isBusy ? now : undefined;
    if (isBusy) this.#broughtAt = now;
  }

  /** A block or a run came that was right. */
  noteBrought(now: Millis, isBlock: boolean): void {
    if (isBlock) this.#blocks++;
    this.#broughtAt = now;
  }

  /** The time for so many blocks. */
  timeFor(now: Millis, blocks: number): Millis {
    const lineMs = nominalLineTime(this.#link, this.#blockSize);
    const busyMs = this.#busyMs + (this.#busySince === undefined ? 0 : now - this.#busySince);
    const oneMs = this.#blocks === 0 ? lineMs : Math.max(lineMs, busyMs / this.#blocks);
    return this.#link.rtt.timeout + blocks * oneMs;
  }

  /** How long it has brought nothing. */
  silentFor(now: Millis): Millis {
    return now - this.#broughtAt;
  }

  /** When so many open blocks will be there: who has brought nothing for a while needs that long again. */
  doneAt(now: Millis, blocks: number): Millis {
    return now + Math.max(this.timeFor(now, blocks), now - this.#broughtAt);
  }
}
