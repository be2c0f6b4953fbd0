import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { ProgressEvent } from "./node-event.ts";

/** Shortest time between two progress events. */
const REPORT_INTERVAL_MS = 200;
/** Weight of the newest interval in the smoothed rate. */
const SMOOTHING = 0.3;

/** Blocks of a transfer, as its event has them. `isAllKnown`: no more can turn out to be missing. */
interface BlockCounts extends Pick<ProgressEvent, "blocks" | "blocksTotal" | "written" | "missing"> {
  readonly isAllKnown: boolean;
}

/** Turns counts of blocks and bytes into progress events with rate and time to go. */
export class TransferProgress {
  readonly #about: Pick<ProgressEvent, "link" | "peer">;
  readonly #startedAt: Millis;
  readonly #bytesAtStart: number;
  #reportedAt: Millis;
  #blocksThen: number | undefined;
  #rate = 0;

  constructor(now: Millis, about: Pick<ProgressEvent, "link" | "peer">, bytesAtStart: number) {
    this.#about = about;
    this.#startedAt = now;
    this.#reportedAt = Number.NEGATIVE_INFINITY;
    this.#bytesAtStart = bytesAtStart;
  }

  /** The progress event that is due now, if any. The last block is always reported. */
  measure(
    now: Millis,
    { isAllKnown, ...blocks }: BlockCounts,
    blockSize: number,
    bytes: number,
    counters: LinkCounters,
  ): ProgressEvent | undefined {
    const interval = now - this.#reportedAt;
    const left = blocks.missing - blocks.written;
    if (interval < REPORT_INTERVAL_MS && left > 0) return undefined;
    const since = this.#blocksThen === undefined ? now - this.#startedAt : interval;
    const moved = (blocks.blocks - (this.#blocksThen ?? blocks.blocks)) * blockSize;
    const newest = since > 0 ? (Math.max(0, moved) / since) * 1000 : 0;
    this.#rate = this.#rate === 0 ? newest : this.#rate * (1 - SMOOTHING) + newest * SMOOTHING;
    this.#reportedAt = now;
    this.#blocksThen = blocks.blocks;
    const bad = counters.crcErrors + counters.packetsLost;
    const frames = counters.framesReceived + counters.framesSent + bad;
    return {
      event: "progress",
      ...this.#about,
      ...blocks,
      bytes: bytes - this.#bytesAtStart,
      seconds: (now - this.#startedAt) / 1000,
      rate: this.#rate,
      eta: isAllKnown && this.#rate > 0 ? (left * blockSize) / this.#rate : undefined,
      quality: frames === 0 ? 1 : 1 - bad / frames,
    };
  }
}
