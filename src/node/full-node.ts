import { type FullHost, FullSide } from "./full-side.ts";
import type { NodeDuties } from "./node-duties.ts";
import { NodeRun } from "./node-run.ts";
import type { NodeRole, SidedEvent } from "./role-link.ts";
import type { RunOptions } from "./run-options.ts";
import { transportOf } from "./transport-source.ts";
import type { Verdict } from "./verdict.ts";

export interface NodeOptions extends RunOptions, NodeDuties {}

/**
 * A full peer, until it is stopped: calls when its board does not boot, heals its neighbours, and passes updates on. Rejects if
 * no link can be opened (TransportError).
 */
export async function runNode(options: NodeOptions): Promise<Verdict> {
  const transports = options.links.map(({ source }) => transportOf(source));
  const run = new NodeRun<SidedEvent, NodeRole, FullSide>(
    options,
    transports,
    (host: FullHost) => new FullSide(host, options),
  );
  run.side.start();
  const ending = await run.ended();
  await run.side.close();
  options.board?.abandon();
  return run.verdict(ending, run.side.rescuer.figures(ending.code));
}
