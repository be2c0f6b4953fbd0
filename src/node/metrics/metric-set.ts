import type { Counter, Gauge, Registry } from "prom-client";
import type { Prometheus } from "./metrics-endpoint.ts";

/** What a process serves to Prometheus: its own figures, whose names begin with "mayday_", and those of Node. */
export class MetricSet {
  readonly registry: Registry;
  readonly #prometheus: Prometheus;

  constructor(prometheus: Prometheus, version: string) {
    this.#prometheus = prometheus;
    this.registry = new prometheus.Registry();
    prometheus.collectDefaultMetrics({ register: this.registry });
    this.gauge("build_info", "Always 1; the label has the version.", "version").set({ version }, 1);
  }

  /** `name` without "mayday_". */
  counter(name: string, help: string, ...labels: string[]): Counter {
    return new this.#prometheus.Counter({
      name: `mayday_${name}`,
      help,
      labelNames: labels,
      registers: [this.registry],
    });
  }

  gauge(name: string, help: string, ...labels: string[]): Gauge {
    return new this.#prometheus.Gauge({
      name: `mayday_${name}`,
      help,
      labelNames: labels,
      registers: [this.registry],
    });
  }
}
