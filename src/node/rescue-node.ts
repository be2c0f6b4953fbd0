import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { ResetLine } from "../transport/endpoint.ts";
import { NodeRun } from "./node-run.ts";
import type { RescuerDuties } from "./rescuer-duties.ts";
import { type RescuerHost, RescuerSide } from "./rescuer-side.ts";
import type { RunOptions } from "./run-options.ts";
import { type TransportSource, transportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface RescueOptions extends RunOptions, RescuerDuties {
  readonly links: readonly TransportSource[];
  /** The modem line to pulse when a serial port is opened. */
  readonly reset?: ResetLine;
}

/**
 * Heals every board that calls on any of the links, until the timeout or the signal; with `once`, one board. Rejects if
 * no link can be opened (TransportError).
 */
export async function runRescue(options: RescueOptions): Promise<Verdict> {
  const transports = options.links.map((source) => transportOf(source, options.reset));
  const run = new NodeRun<RescuerEvent, RescuerRole, RescuerSide>(
    options,
    transports,
    (host: RescuerHost) => new RescuerSide(host, options),
  );
  const ending = await run.ended();
  await run.side.close();
  return run.verdict(ending, run.side.figures(ending.code));
}
