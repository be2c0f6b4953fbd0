import { errorWords } from "../../base/system-error.ts";
import type { RunningNode } from "../../node/full-node.ts";
import { packageVersion } from "../package-version.ts";
import type { CommandContext } from "../run.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeService } from "./node-services.ts";

/** Serves figures where the configuration says so. A node runs without them, too: what is in the way is a warning. */
export async function openNodeFigures(
  { output }: CommandContext,
  { metrics: address }: NodeConfig,
): Promise<NodeService | undefined> {
  if (address === undefined) return undefined;
  const { loadPrometheus, openMetricsEndpoint } = await import("../../node/metrics/metrics-endpoint.ts");
  try {
    const { MetricSet } = await import("../../node/metrics/metric-set.ts");
    const { EventMetrics } = await import("../../node/metrics/event-metrics.ts");
    const { StatusMetrics } = await import("../../node/metrics/status-metrics.ts");
    const set = new MetricSet(await loadPrometheus(), packageVersion());
    const events = new EventMetrics(set);
    const status = new StatusMetrics(set);
    let running: RunningNode | undefined;
    const refresh = (): void => {
      if (running !== undefined) status.update(running.status());
    };
    const { url, close } = await openMetricsEndpoint(address, set.registry, refresh);
    output.event({ event: "metrics", url });
    return {
      handle: (event) => events.handle(event),
      attach: (node) => {
        running = node;
      },
      close,
    };
  } catch (error) {
    output.warn(`no figures for Prometheus: ${errorWords(error)}`);
    return undefined;
  }
}
