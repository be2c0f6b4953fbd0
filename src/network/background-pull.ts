import type { Clock } from "../base/clock.ts";
import { MaydayError } from "../base/errors.ts";
import { type Random, randomFraction } from "../base/prng.ts";
import { errorWords } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import { BackOff } from "./back-off.ts";
import type { PullEvent } from "./pull-event.ts";
import { PullFolder } from "./pull-folder.ts";
import { type PullOptions, type PullOutcome, pullRound } from "./pull-round.ts";

export interface BackgroundPullOptions extends Omit<PullOptions, "signal" | "again" | "clock"> {
  /** Folder of the repository. */
  readonly dir: string;
  /** Time between two looks at the index. */
  readonly pollMs: Millis;
  readonly clock: Clock;
  readonly random: Random;
}

/** How the pulls of a node go. */
export interface BackgroundPullStatus {
  readonly url: string;
  /** Of the index that was used last. */
  readonly counter: number | undefined;
  /** Seconds since a pull after which the folder had all that it should have. */
  readonly completeSecondsAgo: number | undefined;
  /** Code of what failed in the last pull. */
  readonly fault: string | undefined;
  /** Seconds until the next pull; undefined while one is under way. */
  readonly nextSeconds: number | undefined;
}

/** Share of the poll time by which nodes differ: those that start together do not stay together. */
const SPREAD = 0.1;
/** Within this time after a word of the owner a node looks at the index: many that hear it do not come at once. */
const WAKE_MS: Millis = 60_000;
/** A word of the owner does nothing for this long after one that did. */
const WAKE_AGAIN_MS: Millis = 600_000;

/**
 * Pulls again and again, beside what the process does otherwise: at once, then every poll time, later after a failure that
 * may pass, and when the budget has more. What is the same as in the pull before is not told again. Close it.
 */
export class BackgroundPull {
  readonly #options: BackgroundPullOptions;
  readonly #backOff: BackOff;
  readonly #stop: AbortController = new AbortController();
  readonly #ended: Promise<void>;
  /** What was told since the index changed, or all was well. */
  readonly #told = new Set<string>();
  #folder: PullFolder | undefined;
  #counter: number | undefined;
  #completeAt: Millis | undefined;
  #fault: string | undefined;
  #nextAt: Millis | undefined;
  /** A word of the owner came while a pull was under way. */
  #isWoken = false;
  #wokenAt: Millis = Number.NEGATIVE_INFINITY;
  /** Whether the server is left alone for a while, after a failure that may pass or for the budget. */
  #isBackingOff = false;
  /** Ends the wait for the next pull, and begins another one. */
  #wait: ((wait: Millis) => void) | undefined;

  constructor(options: BackgroundPullOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
    this.#ended = this.#run();
  }

  status(): BackgroundPullStatus {
    const now = this.#options.clock.now();
    const seconds = (millis: Millis): number => Math.max(0, Math.round(millis / 1000));
    return {
      url: this.#options.url.href,
      counter: this.#counter,
      completeSecondsAgo: this.#completeAt === undefined ? undefined : seconds(now - this.#completeAt),
      fault: this.#fault,
      nextSeconds: this.#nextAt === undefined ? undefined : seconds(this.#nextAt - now),
    };
  }

  /**
   * Somebody says that there is something new: the next look at the index comes at a random moment within a minute. Not while the server is
   * left alone after a failure, nor within ten minutes after the last such word that did something.
   */
  wake(): void {
    const { clock, random } = this.#options;
    const now = clock.now();
    // The pull that is under way may have read the index before.
    this.#isWoken = this.#nextAt === undefined;
    if (this.#nextAt === undefined || this.#isBackingOff || now - this.#wokenAt < WAKE_AGAIN_MS) return;
    this.#wokenAt = now;
    const wait = WAKE_MS * randomFraction(random);
    if (now + wait >= this.#nextAt) return;
    this.#nextAt = now + wait;
    this.#wait?.(wait);
  }

  /** Ends what is under way, so that it can be continued. May be called once. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await this.#folder?.close();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#nextAt = undefined;
      const wait = await this.#pull();
      this.#nextAt = this.#options.clock.now() + wait;
      const slept = this.#sleep(wait);
      if (this.#isWoken) this.wake();
      await slept;
    }
  }

  /** One pull; the wait after it. */
  async #pull(): Promise<Millis> {
    const { dir, clock } = this.#options;
    try {
      this.#folder ??= await PullFolder.open(dir);
      const options = { ...this.#options, clock, signal: this.#stop.signal };
      const outcome = await pullRound(this.#folder, { ...options, onEvent: (event) => this.#tell(event) });
      return this.#waitAfter(outcome);
    } catch (error) {
      // A full or read-only disk, another process in the folder, or a defect: healing does not depend on it.
      this.#fault = error instanceof MaydayError ? error.code : "internal-error";
      this.#isBackingOff = true;
      this.#tell({ event: "pull-warning", detail: `nothing is pulled: ${errorWords(error)}` });
      return this.#backOff.take();
    }
  }

  #waitAfter({ fault, passing }: PullOutcome): Millis {
    const { pollMs, clock, random } = this.#options;
    this.#fault = fault?.code;
    if (fault === undefined) {
      this.#completeAt = clock.now();
      this.#told.clear();
    }
    const isSpent = fault?.code === "budget-spent";
    this.#isBackingOff = isSpent || passing !== undefined;
    if (passing !== undefined) return this.#backOff.take(Number(passing.details["retryAfterMs"] ?? 0));
    this.#backOff.reset();
    const poll = pollMs * (1 - SPREAD + 2 * SPREAD * randomFraction(random));
    return isSpent ? Math.max(poll, Number(fault.details["waitMs"])) : poll;
  }

  #tell(event: PullEvent): void {
    if (event.event === "index") {
      this.#counter = event.counter;
      if (event.isNew) this.#told.clear();
    }
    if (event.event !== "pulling" && event.event !== "pulled") {
      const key = JSON.stringify(
        event.event === "pull-failed" ? [event.reason, event.entry?.digest] : { ...event, isNew: true },
      );
      const isSame = event.event === "index" && !event.isNew && this.#completeAt !== undefined;
      if (this.#told.has(key) || isSame) return;
      this.#told.add(key);
    }
    this.#options.onEvent(event);
  }

  #sleep(wait: Millis): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", end);
        this.#wait = undefined;
        resolve();
      };
      let timer = clock.after(wait, end);
      this.#wait = (shorter) => {
        timer.cancel();
        timer = clock.after(shorter, end);
      };
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    });
  }
}
