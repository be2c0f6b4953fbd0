import { ExitCode } from "../base/errors.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { LineEvent } from "../session/role.ts";
import { diagnose } from "./diagnosis.ts";
import type { LinkDriver } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";
import { lostForGood } from "./node-link.ts";
import { adviceOn } from "./stranger-advice.ts";
import type { Ending } from "./verdict.ts";

/** A node's link, as far as its line is concerned. */
export interface ObservedLink {
  readonly endpoint: string;
  readonly driver: Pick<LinkDriver<never>, "transport">;
  readonly end: { readonly counters: LinkCounters; readonly stranger: Stranger | undefined };
  readonly trouble: Parameters<typeof lostForGood>[0][number]["trouble"];
}

/** Text that is kept as a sample of what was heard. */
const SAMPLE_MAX = 200;

/** What was heard on the lines of a node besides its sessions; tells it, and names it when patience is over. */
export class LineReports {
  heardNode = false;
  heardForeignVersion = false;
  #consoleText = "";
  readonly #toldStates: Map<string, string> = new Map();
  readonly #tell: (event: NodeEvent) => void;

  constructor(tell: (event: NodeEvent) => void) {
    this.#tell = tell;
  }

  /** Tells a line event; a state only when it is another than before. */
  handle(event: LineEvent, link: ObservedLink): void {
    const at = { link: link.endpoint };
    if (event.tag === "console") {
      if (this.#consoleText.length < SAMPLE_MAX) this.#consoleText += event.text;
      this.#tell({ event: "console", ...at, text: event.text });
    } else if (event.tag === "stranger") {
      const detail = adviceOn(event.stranger, link.driver.transport.facts.baud);
      this.#tell({ event: "link", ...at, state: "stranger", detail });
    } else if (this.#toldStates.get(link.endpoint) !== event.state) {
      this.#toldStates.set(link.endpoint, event.state);
      this.#tell({ event: "link", ...at, state: event.state });
    }
  }

  /** How a node ends whose patience is over: what each link saw. `heard`: what it means that a node was there. */
  endOfTime(links: readonly ObservedLink[], heard: string): Ending {
    const lost = lostForGood(links);
    if (lost !== undefined) return lost;
    const details = links.map((link) => {
      const noticed = {
        heardNode: this.heardNode,
        consoleText: this.#consoleText,
        foreignVersion: this.heardForeignVersion,
        baud: link.driver.transport.facts.baud,
        stranger: link.end.stranger,
      };
      const { seen, detail } = diagnose(link.end.counters, noticed);
      return `${link.endpoint}: ${link.trouble?.message ?? (seen === "node" ? heard : detail)}`;
    });
    return { code: ExitCode.noNeighbour, reason: "timeout", detail: details.join("; ") };
  }
}
