import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { RescuerRole } from "../session/rescuer/rescuer-role.ts";
import type { ResetLine } from "../transport/endpoint.ts";
import { NodeRun } from "./node-run.ts";
import type { RescuerDuties } from "./rescuer-duties.ts";
import type { RescuerHost } from "./rescuer-links.ts";
import { RescuerSide } from "./rescuer-side.ts";
import type { RunOptions } from "./run-options.ts";
import { patientTransportOf, type TransportSource, transportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface RescueOptions extends RunOptions, RescuerDuties {
  readonly links: readonly TransportSource[];
  /** The modem line to pulse when a serial port is opened. */
  readonly reset?: ResetLine;
  /** Wait for links that cannot be opened, also for all of them: an adapter may be plugged in later. Not unless given. */
  readonly waitsForLinks?: boolean;
}

/**
 * Heals every board that calls on any of the links, until the timeout or the signal; with `once`, one board. Rejects if
 * no link can be opened (TransportError), unless it waits for them.
 */
export async function runRescue(options: RescueOptions): Promise<Verdict> {
  const open = options.waitsForLinks === true ? patientTransportOf : transportOf;
  const transports = options.links.map((source) => open(source, options.reset));
  const run = new NodeRun<RescuerEvent, RescuerRole, RescuerSide>(
    options,
    transports,
    (host: RescuerHost) => new RescuerSide(host, options),
  );
  const ending = await run.ended();
  await run.side.close();
  return run.verdict(ending, run.side.figures(ending.code));
}
