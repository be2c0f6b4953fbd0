import type { TargetEvent } from "../session/target/target-events.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import { CallingReports } from "./calling-reports.ts";
import { NodeRun } from "./node-run.ts";
import type { RunOptions } from "./run-options.ts";
import { type TargetDuties, type TargetHost, TargetSide } from "./target-side.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface DistressOptions extends RunOptions, Omit<TargetDuties, "cause"> {
  readonly links: readonly TransportSource[];
  /** Call for help although the firmware boots. */
  readonly isForced?: boolean;
}

/**
 * Calls for help on all links until the board is healed. Refusals do not end the run. At the timeout it ends with code 4
 * if an image was refused, and with 3 otherwise. Rejects if no link can be opened (TransportError).
 */
export async function runDistress(options: DistressOptions): Promise<Verdict> {
  const duties: TargetDuties = { ...options, cause: options.isForced === true ? "insists" : "help" };
  const transports = options.links.map((source) => transportOf(source));
  const run = new NodeRun<TargetEvent, TargetRole, TargetSide>(
    options,
    transports,
    (host: TargetHost) => new TargetSide(host, duties),
  );
  const { side } = run;
  const calling = new CallingReports(
    run.clock,
    () => side.isServed,
    (forMs) => side.reportCalling(forMs),
  );
  const ending = await run.ended().finally(() => calling.close());
  options.store.abandon();
  return run.verdict(ending, side.figures(ending.code));
}
