import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import type { Millis } from "../../base/units.ts";
import { type HookEnd, type HookEnvironment, HookProcess, type HookWatch } from "./hook-process.ts";
import type { HookProgram } from "./hook-program.ts";

/** A hook that runs longer is ended. */
export const HOOK_LIMIT_MS: Millis = 300_000;
/** Once the node stops, what runs and waits has this long; less than a command has to end (`run.ts`). */
const HOOK_STOP_MS: Millis = 1_500;

/** Where the limits of hooks come from; the defaults unless given. */
export interface HookRunnerOptions {
  readonly warn: (text: string) => void;
  readonly clock?: Clock;
  readonly limitMs?: Millis;
  /** The node stops: after a moment the runner is closed. */
  readonly signal?: AbortSignal;
}

/** A run that is asked for. */
export interface HookRun {
  readonly program: HookProgram;
  /** Asked for when the run begins. */
  readonly environment: () => HookEnvironment;
  /** Has its turn before those that are not. */
  readonly isUrgent: boolean;
}

interface WaitingRun {
  readonly run: HookRun;
  readonly resolve: (end: HookEnd) => void;
}

/**
 * Runs hooks, one at a time over all that share it, each with a time limit. Runs that wait are kept without limit: a
 * caller asks for its next one when the one before has ended.
 */
export class HookRunner {
  readonly #watch: HookWatch;
  readonly #signal: AbortSignal | undefined;
  /** Urgent ones first, of each kind the oldest first. */
  readonly #waiting: WaitingRun[] = [];
  #running: HookProcess | undefined;
  #stopTimer: Timer | undefined;
  #isClosed = false;

  constructor({ warn, clock = systemClock, limitMs = HOOK_LIMIT_MS, signal }: HookRunnerOptions) {
    this.#watch = { warn, clock, limitMs };
    this.#signal = signal;
    if (signal?.aborted === true) this.#stopSoon();
    else signal?.addEventListener("abort", this.#stopSoon, { once: true });
  }

  /** Resolves with how the run ended; `not-run` once the runner is closed. Never rejects. */
  run(run: HookRun): Promise<HookEnd> {
    if (this.#isClosed) return Promise.resolve({ tag: "not-run" });
    return new Promise((resolve) => {
      const later = run.isUrgent ? this.#waiting.findIndex((other) => !other.run.isUrgent) : -1;
      this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, { run, resolve });
      this.#runNext();
    });
  }

  /** No more runs begin, and a hook that runs is left to itself, with a warning. May be called twice. */
  close(): void {
    this.#isClosed = true;
    this.#signal?.removeEventListener("abort", this.#stopSoon);
    this.#stopTimer?.cancel();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ tag: "not-run" });
    this.#running?.leave();
  }

  readonly #stopSoon = (): void => {
    this.#stopTimer = this.#watch.clock.after(HOOK_STOP_MS, () => this.close());
  };

  #runNext(): void {
    if (this.#running !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const { run, resolve } = next;
    this.#running = new HookProcess(run.program, run.environment(), this.#watch);
    void this.#running.ended.then((end) => {
      this.#running = undefined;
      resolve(end);
      this.#runNext();
    });
  }
}
