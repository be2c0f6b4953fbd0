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
  #writtenThen: number | undefined;
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
    const since = this.#writtenThen === undefined ? now - this.#startedAt : interval;
    // Blocks that are found to be right are many at a time, and say nothing of how long the others will take.
    const moved = (blocks.written - (this.#writtenThen ?? blocks.written)) * blockSize;
    // The last block may come right behind a report: too short a time for a rate.
    const isRated = this.#rate === 0 ? since > 0 : since >= REPORT_INTERVAL_MS;
    const newest = isRated ? (Math.max(0, moved) / since) * 1000 : this.#rate;
    this.#rate = this.#rate === 0 ? newest : this.#rate * (1 - SMOOTHING) + newest * SMOOTHING;
    this.#reportedAt = now;
    this.#writtenThen = blocks.written;
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
