import { errorWords } from "../base/system-error.ts";
import type { MetricSet } from "../node/metrics/metric-set.ts";
import type { MetricsAddress } from "../node/metrics/metrics-address.ts";
import type { MetricsEndpoint } from "../node/metrics/metrics-endpoint.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./package-version.ts";

/**
 * Serves the figures that `fill` puts into a set; what it returns brings them up to date before each reading. A command runs without them,
 * too: what is in the way, a port that is taken for one, is a warning, and there are none.
 */
export async function openFigures(
  address: MetricsAddress | undefined,
  output: Output,
  fill: (set: MetricSet) => Promise<() => void>,
): Promise<MetricsEndpoint | undefined> {
  if (address === undefined) return undefined;
  const { loadPrometheus, openMetricsEndpoint } = await import("../node/metrics/metrics-endpoint.ts");
  const { MetricSet: Figures } = await import("../node/metrics/metric-set.ts");
  try {
    const set = new Figures(await loadPrometheus(), packageVersion());
    const endpoint = await openMetricsEndpoint(address, set.registry, await fill(set));
    output.event({ event: "metrics", url: endpoint.url });
    return endpoint;
  } catch (error) {
    output.warn(`no figures for Prometheus: ${errorWords(error)}`);
    return undefined;
  }
}
