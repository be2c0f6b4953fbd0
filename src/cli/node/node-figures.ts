import type { RunningNode } from "../../node/full-node.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { openFigures } from "../figures.ts";
import type { CommandContext } from "../run.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeService } from "./node-services.ts";

/** Serves figures of a node where the configuration says so. */
export async function openNodeFigures(
  { output }: CommandContext,
  { metrics }: NodeConfig,
): Promise<NodeService | undefined> {
  let running: RunningNode | undefined;
  let count: ((event: NodeEvent) => void) | undefined;
  const endpoint = await openFigures(metrics, output, async (set) => {
    const { EventMetrics } = await import("../../node/metrics/event-metrics.ts");
    const { StatusMetrics } = await import("../../node/metrics/status-metrics.ts");
    const events = new EventMetrics(set);
    const status = new StatusMetrics(set);
    count = (event) => events.handle(event);
    return () => {
      if (running !== undefined) status.update(running.status());
    };
  });
  if (endpoint === undefined) return undefined;
  return {
    handle: (event) => count?.(event),
    attach: (node) => {
      running = node;
    },
    close: async () => await endpoint.close(),
  };
}
