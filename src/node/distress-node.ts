import { NodeRun } from "./node-run.ts";
import type { RunOptions } from "./run-options.ts";
import { type TargetDuties, type TargetHost, TargetSide } from "./target-side.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface DistressOptions extends RunOptions, TargetDuties {
  readonly links: readonly TransportSource[];
}

/**
 * Calls for help on all links until the board is healed. Refusals do not end the run. At the timeout it ends with code 4
 * if an image was refused, and with 3 otherwise. Rejects if no link can be opened (TransportError).
 */
export async function runDistress(options: DistressOptions): Promise<Verdict> {
  const transports = options.links.map((source) => transportOf(source));
  const run = new NodeRun(options, transports, (host: TargetHost) => new TargetSide(host, options));
  const ending = await run.ended();
  options.store.abandon();
  return run.verdict(ending, run.side.figures(ending.code));
}
