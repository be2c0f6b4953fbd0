import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Advice } from "./advice.ts";
import type { SplitterFactory } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";

/** Options that all runs of a node share. */
export interface RunOptions {
  /** Give up after this long without progress: a block, or a healed board. Default: never. */
  readonly timeoutMs?: Millis;
  /** Aborting it ends the run: the links are closed, and the board can resume later. Default: the run ends by itself only. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Source of ids, nonces and jitter. Default: the system's generator. With a seeded one a run can be replayed, but its nonces can be guessed. */
  readonly random?: Random;
  /** Cuts a byte stream into runs. Default: the parser of the serialport package. */
  readonly makeSplitter?: SplitterFactory;
  /** Returns what to try next; it is appended to what was seen, wherever an event or a verdict has a `detail`. */
  readonly advice?: Advice | undefined;
  /** Called for each event, in order, after the event was answered on the wire: a slow callback delays no answer. */
  onEvent?(event: NodeEvent): void;
}
