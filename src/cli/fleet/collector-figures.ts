import type { CollectorEvent } from "../../fleet/mqtt/collector.ts";
import type { CollectorStore } from "../../fleet/store/collector-store.ts";
import type { MetricsAddress } from "../../node/metrics/metrics-address.ts";
import type { MetricsEndpoint } from "../../node/metrics/metrics-endpoint.ts";
import { openFigures } from "../figures.ts";
import type { Output } from "../output.ts";

/** Figures of a collector. */
export interface CollectorFigures {
  handle(event: CollectorEvent): void;
  close(): Promise<void>;
}

/** Serves figures of a collector and of the sites that it knows, without names: their number is that of the fleet. */
export async function openCollectorFigures(
  address: MetricsAddress | undefined,
  store: CollectorStore,
  output: Output,
): Promise<CollectorFigures> {
  let handle = (_event: CollectorEvent): void => {};
  const endpoint: MetricsEndpoint | undefined = await openFigures(address, output, async (set) => {
    const reports = set.counter("collected_reports_total", "Reports that were stored, each once.");
    const malformed = set.counter("malformed_sites_total", "Sites that sent a message which is none.");
    const isUp = set.gauge("broker_up", "Whether the broker is connected.");
    const isStuck = set.gauge(
      "disk_fault",
      "Whether the files cannot be written; nothing is acknowledged then.",
    );
    const sites = set.gauge("sites", "Sites that are known, by what they said last.", "presence");
    const boards = set.gauge("site_boards", "Boards of all sites, by their state.", "state");
    const waiting = set.gauge("site_waiting_reports", "Reports that sites say they keep for a collector.");
    isUp.set(0);
    isStuck.set(0);
    handle = (event) => {
      if (event.tag === "collected") reports.inc(event.reports);
      else if (event.tag === "malformed") malformed.inc();
      else if (event.tag === "disk") isStuck.set(event.fault === undefined ? 0 : 1);
      else if (event.tag === "up" || event.tag === "down") isUp.set(event.tag === "up" ? 1 : 0);
    };
    return () => {
      const presences = { online: 0, offline: 0, stopped: 0, unknown: 0 };
      const states = { healthy: 0, trial: 0, distress: 0, gone: 0 };
      let kept = 0;
      for (const { presence, state } of store.states.values()) {
        presences[presence ?? "unknown"]++;
        for (const board of state?.boards ?? []) states[board.state]++;
        kept += state?.waiting ?? 0;
      }
      for (const [presence, count] of Object.entries(presences)) sites.set({ presence }, count);
      for (const [state, count] of Object.entries(states)) boards.set({ state }, count);
      waiting.set(kept);
    };
  });
  return { handle: (event) => handle(event), close: async () => await endpoint?.close() };
}
