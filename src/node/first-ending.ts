import type { Clock, Timer } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { RunOptions } from "./run-options.ts";
import type { Ending } from "./verdict.ts";

/** A promise that is settled by the first of success, timeout and abort. */
export class FirstEnding {
  readonly settled: Promise<Ending>;
  #settle: (ending: Ending) => void = () => {};

  /** `idleSince`: from when on the timeout counts; it may move. `onTimeout` returns the ending for a timeout. */
  constructor(
    clock: Clock,
    options: Pick<RunOptions, "timeoutMs" | "signal">,
    idleSince: () => Millis,
    onTimeout: () => Ending,
  ) {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const { timeoutMs, signal } = options;
    let timer: Timer | undefined;
    const watch = (limitMs: Millis): void => {
      const left = idleSince() + limitMs - clock.now();
      // Fractions of a millisecond are lost in the sum.
      if (left < 1) this.end(onTimeout());
      else timer = clock.after(left, () => watch(limitMs));
    };
    if (timeoutMs !== undefined) watch(timeoutMs);
    const onAbort = (): void => this.end({ code: ExitCode.interrupted, reason: "interrupted" });
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    void this.settled.then(() => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    });
  }

  /** Settles the promise. Later calls are ignored. */
  end(ending: Ending): void {
    this.#settle(ending);
  }
}
