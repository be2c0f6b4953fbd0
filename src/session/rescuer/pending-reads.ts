import type { Millis } from "../../base/units.ts";
import type { ExcusedTime } from "../excused-time.ts";

/** What is not there after this time is announced with LATER. */
const LATER_AFTER_MS = 1_000;
/** LATER is repeated this often, and states twice this time: one that is lost does no harm. */
const LATER_EVERY_MS = 2_000;
const LATER_MS = 4_000;

/**
 * Runs and blocks that the target wants and that are being read: from a slow repository, or by a rescuer that is still
 * receiving itself. Its own pace stands still meanwhile, and the target is told (PROTOCOL.md 5.13).
 */
export class PendingReads {
  readonly #time: ExcusedTime;
  /** Since when each is read, the oldest first. */
  readonly #since: Map<string, Millis> = new Map();
  #saidAt: Millis = Number.NEGATIVE_INFINITY;

  /** `time`: the clock of the pace. */
  constructor(time: ExcusedTime) {
    this.#time = time;
  }

  has(key: string): boolean {
    return this.#since.has(key);
  }

  begin(now: Millis, key: string): void {
    this.#since.set(key, now);
    this.#time.setWorking(now, true);
  }

  /** It was read, or is no longer wanted. */
  end(now: Millis, key: string): void {
    this.#since.delete(key);
    this.#time.setWorking(now, this.#since.size > 0);
  }

  /** When LATER is due. */
  get laterAt(): Millis | undefined {
    const [oldest] = this.#since.values();
    if (oldest === undefined) return undefined;
    return Math.max(oldest + LATER_AFTER_MS, this.#saidAt + LATER_EVERY_MS);
  }

  /** LATER is said now: for how long. */
  takeLater(now: Millis): Millis {
    this.#saidAt = now;
    return LATER_MS;
  }
}
