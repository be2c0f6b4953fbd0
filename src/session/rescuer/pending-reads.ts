import type { Millis } from "../../base/units.ts";
import type { ExcusedTime } from "../excused-time.ts";
import type { RescuerEvent } from "./rescuer-events.ts";

/** What is not there after this time is announced with LATER. */
const LATER_AFTER_MS = 1_000;
/** LATER is repeated this often, and states twice this time: one that is lost does no harm. */
const LATER_EVERY_MS = 2_000;
const LATER_MS = 4_000;

/** An effect that reads a run or a block. */
export type ReadEffect = Extract<RescuerEvent, { readonly tag: "readRun" | "readBlock" }>;

/**
 * Runs and blocks that the target wants and that are being read: from a slow repository, or by a rescuer that is still
 * receiving itself. Its own pace stands still meanwhile, and the target is told (PROTOCOL.md 5.13).
 */
export class PendingReads {
  readonly #time: ExcusedTime;
  /** What is read, and since when, the oldest first. */
  readonly #reads: Map<string, { readonly effect: ReadEffect; readonly since: Millis }> = new Map();
  #saidAt: Millis = Number.NEGATIVE_INFINITY;

  /** `time`: the clock of the pace. */
  constructor(time: ExcusedTime) {
    this.#time = time;
  }

  has(key: string): boolean {
    return this.#reads.has(key);
  }

  begin(now: Millis, key: string, effect: ReadEffect): void {
    this.#reads.set(key, { effect, since: now });
    this.#time.setWorking(now, true);
  }

  /** The effects that are not answered, of one block or of all runs and blocks. */
  of(block?: number): ReadEffect[] {
    const effects = [...this.#reads.values()].map(({ effect }) => effect);
    if (block === undefined) return effects;
    return effects.filter((effect) => effect.tag === "readBlock" && effect.wish.block === block);
  }

  /** Forgets the runs that are not named any more. */
  keepRuns(now: Millis, keys: ReadonlySet<string>): void {
    for (const [key, { effect }] of this.#reads)
      if (effect.tag === "readRun" && !keys.has(key)) this.end(now, key);
  }

  /** It was read, or is no longer wanted. */
  end(now: Millis, key: string): void {
    this.#reads.delete(key);
    this.#time.setWorking(now, this.#reads.size > 0);
  }

  /** When LATER is due. */
  get laterAt(): Millis | undefined {
    const [oldest] = this.#reads.values();
    if (oldest === undefined) return undefined;
    return Math.max(oldest.since + LATER_AFTER_MS, this.#saidAt + LATER_EVERY_MS);
  }

  /** LATER is said now: for how long. */
  takeLater(now: Millis): Millis {
    this.#saidAt = now;
    return LATER_MS;
  }
}
