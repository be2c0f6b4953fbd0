import type { Clock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { RunOptions } from "./run-options.ts";
import type { Ending } from "./verdict.ts";

/** A promise that is settled by the first of success, timeout and abort. */
export class FirstEnding {
  readonly settled: Promise<Ending>;
  #settle: (ending: Ending) => void = () => {};

  /** `onTimeout` returns the ending for a timeout. */
  constructor(clock: Clock, options: Pick<RunOptions, "timeoutMs" | "signal">, onTimeout: () => Ending) {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const { timeoutMs, signal } = options;
    const timer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => this.end(onTimeout()));
    const onAbort = (): void => this.end({ code: ExitCode.interrupted, reason: "interrupted" });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    void this.settled.then(() => {
      timer?.cancel();
      signal.removeEventListener("abort", onAbort);
    });
  }

  /** Settles the promise. Later calls are ignored. */
  end(ending: Ending): void {
    this.#settle(ending);
  }
}
