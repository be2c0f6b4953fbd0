import type { Counter } from "prom-client";
import type { NodeEvent } from "../node-event.ts";
import type { MetricSet } from "./metric-set.ts";

/** What a node's events are counted as. Labels are endpoints and reasons of fixed lists, nothing that a peer wrote. */
export class EventMetrics {
  readonly #heals: Counter;
  readonly #sessionsLost: Counter;
  readonly #refusals: Counter;
  readonly #calls: Counter;
  readonly #suspects: Counter;
  readonly #conflicts: Counter;
  readonly #installs: Counter;

  constructor(set: MetricSet) {
    this.#heals = set.counter("heals_total", "Sessions after which a board boots.", "link", "proven");
    this.#sessionsLost = set.counter("sessions_lost_total", "Sessions that ended early.", "link");
    this.#refusals = set.counter("refusals_total", "Images that a board refused.", "link", "reason");
    this.#calls = set.counter("distress_total", "Boards that began to call for help.", "link");
    this.#suspects = set.counter("suspects_total", "Images that failed on another board.", "proven");
    this.#conflicts = set.counter(
      "conflicts_total",
      "Neighbours with another image of the same version.",
      "link",
    );
    this.#installs = set.counter(
      "installs_total",
      "Images that the own board took from its repository or a file.",
    );
  }

  /** Takes every event of the node. */
  handle(event: NodeEvent): void {
    switch (event.event) {
      case "healed":
        this.#heals.inc({ link: event.link, proven: String(event.proven) });
        return;
      case "lost":
        this.#sessionsLost.inc({ link: event.link });
        return;
      case "refused":
        this.#refusals.inc({ link: event.link, reason: event.reason });
        return;
      case "distress":
        this.#calls.inc({ link: event.link });
        return;
      case "suspect":
        this.#suspects.inc({ proven: String(event.proven) });
        return;
      case "conflict":
        this.#conflicts.inc({ link: event.link });
        return;
      case "installed":
        this.#installs.inc();
        return;
      default:
        return;
    }
  }
}
