import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { Advice } from "./advice.ts";
import type { SplitterFactory } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";

/** What every run of a node is given. */
export interface RunOptions {
  /** Give up after this long; never unless given. */
  readonly timeoutMs?: Millis;
  /** Aborting it ends the run: the links are closed, and the board can resume. */
  readonly signal: AbortSignal;
  /** Time; the system's unless given. */
  readonly clock?: Clock;
  /** Ids, nonces and jitter; the system's generator unless given. A seeded one replays a run, but its nonces are no secret. */
  readonly random?: Random;
  /** Cuts each stream into runs; the serial package's parser unless given. */
  readonly makeSplitter?: SplitterFactory;
  /** What to try next, put behind what was seen wherever `detail` tells people; without it they are told what was seen. */
  readonly advice?: Advice;
  /** Told of what happens, in order, when it is answered on the wire: what this does delays no answer. */
  onEvent(event: NodeEvent): void;
}
