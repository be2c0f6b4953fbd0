import { type Clock, systemClock } from "../base/clock.ts";
import type { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { LinkDriver } from "./link-driver.ts";
import type { NodeEvent, Verdict } from "./node-event.ts";

/** The part of a verdict that each way of ending decides. */
export interface Ending {
  readonly code: ExitCode;
  readonly reason: string;
  readonly detail?: string;
}

/** What every long-running command is given. */
export interface RunOptions {
  /** Give up after this long; never unless given. */
  readonly timeoutMs?: Millis;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  onEvent(event: NodeEvent): void;
}

/** A promise that the first of success, timeout and abort settles. */
export class Lifetime {
  readonly clock: Clock;
  readonly ended: Promise<Ending>;
  #settle: (ending: Ending) => void = () => {};

  /** `onTimeout` decides what the end of patience means. */
  constructor(options: RunOptions, onTimeout: () => Ending) {
    this.clock = options.clock ?? systemClock;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : this.clock.after(options.timeoutMs, () => this.end(onTimeout()));
    const onAbort = (): void => this.end({ code: 130, reason: "interrupted" });
    if (options.signal.aborted) onAbort();
    else options.signal.addEventListener("abort", onAbort, { once: true });
    void this.ended.then(() => {
      timer?.cancel();
      options.signal.removeEventListener("abort", onAbort);
    });
  }

  /** Ends it; only the first call counts. */
  end(ending: Ending): void {
    this.#settle(ending);
  }
}

/** Time for the last bytes to leave the tty before it is closed, beyond their line time. */
const FAREWELL_MS = 20;

/** Lets a machine's last words out, then closes the link. */
export async function leave<Event>(driver: LinkDriver<Event>, clock: Clock): Promise<void> {
  driver.pump();
  const wait = driver.sayFarewell() + FAREWELL_MS;
  await new Promise<void>((resolve) => {
    clock.after(wait, resolve);
  });
  await driver.close();
}

/** Adds up the counters of all links into the figures of a verdict. */
export function bytesOf(
  counters: readonly LinkCounters[],
): Pick<Verdict, "bytesTx" | "bytesRx" | "resentBytes"> {
  return {
    bytesTx: counters.reduce((sum, c) => sum + c.bytesSent, 0),
    bytesRx: counters.reduce((sum, c) => sum + c.bytesReceived, 0),
    resentBytes: counters.reduce((sum, c) => sum + c.resentBytes, 0),
  };
}
