import type { Counter, Gauge } from "prom-client";
import type { LinkCounters } from "../../link/counters.ts";
import type { NodeReport } from "../full-side.ts";
import type { LinkReport } from "../node-reports.ts";
import type { MetricSet } from "./metric-set.ts";

/** The counters of a link that are served: their names and what they count. */
const LINK_COUNTERS = [
  ["bytesSent", "link_sent_bytes_total", "Bytes handed to a link."],
  ["bytesReceived", "link_received_bytes_total", "Bytes taken from a link."],
  ["framesSent", "link_sent_frames_total", "Frames sent on a link."],
  ["framesReceived", "link_received_frames_total", "Frames received on a link."],
  ["crcErrors", "link_crc_errors_total", "Runs of bytes on a link that were damaged frames."],
  ["bytesDiscarded", "link_discarded_bytes_total", "Bytes of damaged frames and of console text on a link."],
  ["packetsLost", "link_lost_packets_total", "Packets that the other end of a link did not receive."],
  ["resentBytes", "link_resent_bytes_total", "Payload bytes that were sent again on a link."],
  ["unauthenticFrames", "link_unauthentic_frames_total", "Frames on a link that the link key did not prove."],
] as const satisfies readonly (readonly [key: keyof LinkCounters, name: string, help: string])[];

/** What a node's status says, as figures. */
export class StatusMetrics {
  readonly #uptime: Gauge;
  readonly #board: Gauge;
  readonly #image: Gauge;
  readonly #neighbours: Gauge;
  readonly #waiting: Gauge;
  readonly #links: LinkMetrics;

  constructor(set: MetricSet) {
    this.#uptime = set.gauge("uptime_seconds", "Seconds since the node started.");
    this.#board = set.gauge(
      "board_bootable",
      "Whether the own board boots; no value without a board.",
      "layout",
    );
    this.#image = set.gauge(
      "board_image_info",
      "Always 1; the labels say what the own board runs.",
      "version",
      "digest",
    );
    this.#neighbours = set.gauge(
      "neighbours",
      "Neighbours that were heard, by what they said last.",
      "state",
    );
    this.#waiting = set.gauge("waiting_boards", "Boards that wait to be served.");
    this.#links = new LinkMetrics(set);
  }

  /** Takes over what the status says now. */
  update(status: NodeReport): void {
    this.#uptime.set(status.uptimeSeconds);
    this.#waiting.set(status.waiting.length);
    this.#board.reset();
    this.#image.reset();
    const { board } = status;
    if (board !== null) {
      this.#board.set({ layout: board.layout }, board.isBootable ? 1 : 0);
      const { version, digest } = board;
      if (version !== null && digest !== null) this.#image.set({ version, digest }, 1);
    }
    for (const [state, count] of neighboursByState(status)) this.#neighbours.set({ state }, count);
    for (const link of status.links) this.#links.update(link);
  }
}

class LinkMetrics {
  readonly #up: Gauge;
  readonly #rtt: Gauge;
  readonly #baud: Gauge;
  readonly #totals: readonly (readonly [key: keyof LinkCounters, counter: Counter])[];
  /** Counters of the links at the last reading. */
  readonly #before: Map<string, Readonly<LinkCounters>> = new Map();

  constructor(set: MetricSet) {
    this.#up = set.gauge("link_up", "Whether a link is up.", "link");
    this.#rtt = set.gauge("link_rtt_seconds", "Round-trip time of a link.", "link");
    this.#baud = set.gauge("link_baud", "Rate of a link in bit/s.", "link");
    this.#totals = LINK_COUNTERS.map(([key, name, help]) => [key, set.counter(name, help, "link")]);
  }

  update({ link, isUp, rttMs, baud, counters }: LinkReport): void {
    this.#up.set({ link }, isUp ? 1 : 0);
    if (rttMs !== null) this.#rtt.set({ link }, rttMs / 1000);
    if (baud !== null) this.#baud.set({ link }, baud);
    const before = this.#before.get(link);
    for (const [key, total] of this.#totals) total.inc({ link }, counters[key] - (before?.[key] ?? 0));
    this.#before.set(link, { ...counters });
  }
}

function neighboursByState({ neighbours }: NodeReport): readonly (readonly [state: string, count: number])[] {
  const counts = { healthy: 0, trial: 0, distress: 0, provider: 0 };
  for (const { isProvider, isBootable, isTrial } of neighbours) {
    if (isProvider) counts.provider++;
    else if (isBootable !== true) counts.distress++;
    else counts[isTrial ? "trial" : "healthy"]++;
  }
  return Object.entries(counts);
}
