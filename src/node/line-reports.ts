import { ExitCode } from "../base/errors.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { HeardNode } from "../session/heard-node.ts";
import type { LineEvent } from "../session/role.ts";
import type { Advice } from "./advice.ts";
import { diagnose, withEcho } from "./diagnosis.ts";
import type { LinkDriver } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";
import { lostForGood } from "./node-link.ts";
import { isChange, strangerText } from "./stranger-names.ts";
import type { Ending } from "./verdict.ts";

/** What line reports need to know about a link. */
export interface ObservedLink {
  readonly endpoint: string;
  readonly driver: Pick<LinkDriver<never>, "transport">;
  readonly end: { readonly counters: LinkCounters; readonly stranger: Stranger | undefined };
  readonly trouble: Parameters<typeof lostForGood>[0][number]["trouble"];
}

/**
 * What a side says at its timeout if another node was there: by kind of node, the most important kind first. `unknown`
 * is for a node of which only valid frames were received.
 */
export type HeardTexts = Readonly<Partial<Record<HeardNode, string>>> & { readonly unknown: string };

/** Console text kept as a sample, in characters. */
const SAMPLE_MAX = 200;

/** What was received on one link, besides sessions. */
interface LineRecord {
  readonly heard: Set<HeardNode>;
  hasForeignVersion: boolean;
  consoleText: string;
  reportedState: string | undefined;
}

/** Reports what is received on the links of a node besides its sessions, and summarizes it at a timeout. */
export class LineReports {
  readonly #records: Map<ObservedLink, LineRecord> = new Map();
  readonly #report: (event: NodeEvent) => void;
  readonly #advice: Advice | undefined;

  constructor(report: (event: NodeEvent) => void, advice: Advice | undefined) {
    this.#report = report;
    this.#advice = advice;
  }

  #recordOf(link: ObservedLink): LineRecord {
    const known = this.#records.get(link);
    if (known !== undefined) return known;
    const record = {
      heard: new Set<HeardNode>(),
      hasForeignVersion: false,
      consoleText: "",
      reportedState: undefined,
    };
    this.#records.set(link, record);
    return record;
  }

  /** Records that another node was heard. */
  noteNode(link: ObservedLink, who: HeardNode): void {
    this.#recordOf(link).heard.add(who);
  }

  /** Records a frame of another protocol version. */
  noteForeignVersion(link: ObservedLink): void {
    this.#recordOf(link).hasForeignVersion = true;
  }

  /** Reports a line event; a state only when it has changed. */
  handle(event: LineEvent, link: ObservedLink): void {
    const at = { link: link.endpoint };
    const record = this.#recordOf(link);
    if (event.tag === "console") {
      if (record.consoleText.length < SAMPLE_MAX) record.consoleText += event.text;
      this.#report({ event: "console", ...at, text: event.text });
    } else if (event.tag === "stranger") {
      const detail = strangerText(event.stranger, link.driver.transport.facts, this.#advice);
      this.#report({ event: "link", ...at, state: "stranger", detail });
    } else if (event.tag === "rate") {
      const { baud, before, why } = event;
      this.#report({ event: "rate", ...at, baud, before, reason: why });
    } else if (record.reportedState !== event.state) {
      record.reportedState = event.state;
      this.#report({ event: "link", ...at, state: event.state });
    }
  }

  /** The ending of a run at its timeout: what was seen on each link. `told`: what a rescuer said there, for people. */
  endAtTimeout(
    links: readonly ObservedLink[],
    texts: HeardTexts,
    told: ReadonlyMap<ObservedLink, string> = new Map(),
  ): Ending {
    const lost = lostForGood(links);
    if (lost !== undefined) return lost;
    const details = links.map((link) => `${link.endpoint}: ${this.whatWasSeen(link, texts, told.get(link))}`);
    return { code: ExitCode.noNeighbour, reason: "timeout", detail: details.join("; ") };
  }

  /** What was seen on a link so far, for people. `told`: what a rescuer said there. */
  whatWasSeen(link: ObservedLink, general: HeardTexts, told?: string): string {
    const texts = told === undefined ? general : { ...general, rescuer: told };
    if (link.trouble !== undefined) return link.trouble.message;
    const { heard, consoleText, hasForeignVersion } = this.#recordOf(link);
    const { counters, stranger } = link.end;
    const { baud, endpoint } = link.driver.transport.facts;
    const line = { consoleText, foreignVersion: hasForeignVersion, baud, endpoint, stranger };
    const { seen, detail } = diagnose(counters, { heardNode: heard.size > 0, ...line }, this.#advice);
    if (seen !== "node" || (stranger !== undefined && isChange(stranger.kind))) return detail;
    const who = (Object.keys(texts) as (keyof HeardTexts)[]).find(
      (kind) => kind === "unknown" || heard.has(kind),
    );
    return withEcho(texts[who ?? "unknown"] ?? texts.unknown, counters, endpoint, this.#advice);
  }
}
