import { ExitCode } from "../base/errors.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { HeardNode } from "../session/heard-node.ts";
import type { LineEvent } from "../session/role.ts";
import type { Advice } from "./advice.ts";
import { diagnose } from "./diagnosis.ts";
import type { LinkDriver } from "./link-driver.ts";
import type { NodeEvent } from "./node-event.ts";
import { lostForGood } from "./node-link.ts";
import { strangerText } from "./stranger-names.ts";
import type { Ending } from "./verdict.ts";

/** A node's link, as far as its line is concerned. */
export interface ObservedLink {
  readonly endpoint: string;
  readonly driver: Pick<LinkDriver<never>, "transport">;
  readonly end: { readonly counters: LinkCounters; readonly stranger: Stranger | undefined };
  readonly trouble: Parameters<typeof lostForGood>[0][number]["trouble"];
}

/**
 * What it means for a side that another node was there when its time was over: by what that node showed itself to be,
 * what matters most first, and last for one that showed nothing but whole frames.
 */
export type HeardTexts = Readonly<Partial<Record<HeardNode, string>>> & { readonly unknown: string };

/** Text that is kept as a sample of what was heard, in characters. */
const SAMPLE_MAX = 200;

/** What was heard on one line. */
interface LineRecord {
  readonly heard: Set<HeardNode>;
  hasForeignVersion: boolean;
  consoleText: string;
  toldState: string | undefined;
}

/** What was heard on each line of a node besides its sessions; tells it, and names it when the time is over. */
export class LineReports {
  readonly #records: Map<ObservedLink, LineRecord> = new Map();
  readonly #tell: (event: NodeEvent) => void;
  readonly #advice: Advice | undefined;

  constructor(tell: (event: NodeEvent) => void, advice: Advice | undefined) {
    this.#tell = tell;
    this.#advice = advice;
  }

  #recordOf(link: ObservedLink): LineRecord {
    const known = this.#records.get(link);
    if (known !== undefined) return known;
    const record = {
      heard: new Set<HeardNode>(),
      hasForeignVersion: false,
      consoleText: "",
      toldState: undefined,
    };
    this.#records.set(link, record);
    return record;
  }

  /** Another node was heard on a link. */
  noteNode(link: ObservedLink, who: HeardNode): void {
    this.#recordOf(link).heard.add(who);
  }

  /** A frame of another version of the protocol was heard on a link. */
  noteForeignVersion(link: ObservedLink): void {
    this.#recordOf(link).hasForeignVersion = true;
  }

  /** Tells a line event; a state only when it is another than before. */
  handle(event: LineEvent, link: ObservedLink): void {
    const at = { link: link.endpoint };
    const record = this.#recordOf(link);
    if (event.tag === "console") {
      if (record.consoleText.length < SAMPLE_MAX) record.consoleText += event.text;
      this.#tell({ event: "console", ...at, text: event.text });
    } else if (event.tag === "stranger") {
      const detail = strangerText(event.stranger, link.driver.transport.facts.baud, this.#advice);
      this.#tell({ event: "link", ...at, state: "stranger", detail });
    } else if (record.toldState !== event.state) {
      record.toldState = event.state;
      this.#tell({ event: "link", ...at, state: event.state });
    }
  }

  /** How a node ends whose time is over: what each link saw. */
  endOfTime(links: readonly ObservedLink[], texts: HeardTexts): Ending {
    const lost = lostForGood(links);
    if (lost !== undefined) return lost;
    const details = links.map((link) => `${link.endpoint}: ${this.#whatWasSeen(link, texts)}`);
    return { code: ExitCode.noNeighbour, reason: "timeout", detail: details.join("; ") };
  }

  #whatWasSeen(link: ObservedLink, texts: HeardTexts): string {
    if (link.trouble !== undefined) return link.trouble.message;
    const { heard, consoleText, hasForeignVersion } = this.#recordOf(link);
    const { counters, stranger } = link.end;
    const { baud } = link.driver.transport.facts;
    const isHeard = heard.size > 0;
    const noticed = { heardNode: isHeard, consoleText, foreignVersion: hasForeignVersion, baud, stranger };
    const { seen, detail } = diagnose(counters, noticed, this.#advice);
    if (seen !== "node") return detail;
    const who = (Object.keys(texts) as (keyof HeardTexts)[]).find(
      (kind) => kind === "unknown" || heard.has(kind),
    );
    return texts[who ?? "unknown"] ?? texts.unknown;
  }
}
