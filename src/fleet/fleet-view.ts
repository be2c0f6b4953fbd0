import type { SiteLine } from "./collected.ts";
import type { CollectedLine, CollectedReport } from "./collector-book.ts";
import type { BoardStanding } from "./fleet-messages.ts";
import type { ReportKind } from "./fleet-report.ts";

/** What a fleet came to, by reports: each counted once by its id. `unproven`: nothing proves them, and anybody on a wire may have said them. */
export interface FleetCounts {
  readonly healed: number;
  readonly updated: number;
  readonly reverted: number;
  readonly unproven: number;
}

/** A board of a site. */
export interface BoardView extends Omit<BoardStanding, "forMs"> {
  /** Since when it has been in this state, in milliseconds since 1970, by the collector's clock; null when it says longer ago than that. */
  readonly since: number | null;
}

/** A site. Times are in milliseconds since 1970, by the collector's clock. */
export interface SiteView extends FleetCounts {
  readonly site: string;
  /** `unknown`: it has reported, and its presence was never heard. */
  readonly presence: "online" | "offline" | "stopped" | "unknown";
  readonly presenceSince: number | undefined;
  readonly stateAt: number | undefined;
  readonly boards: readonly BoardView[];
  readonly suspects: readonly string[];
  readonly conflicts: readonly string[];
  /** Reports that the site still had when it sent its state, and that it gave up. */
  readonly waiting: number;
  readonly dropped: number;
  /** Why its outbox cannot be written. */
  readonly fault: string | undefined;
  /** Its last result. */
  readonly lastReport: CollectedReport | undefined;
}

/** A fleet, in the order of the names of its sites. */
export interface FleetSummary extends FleetCounts {
  readonly sites: readonly SiteView[];
  readonly boards: number;
  readonly inDistress: number;
  readonly offline: number;
  /** Short digests of images that are held up somewhere. */
  readonly suspects: readonly string[];
}

type Results = Map<string, { readonly kind: ReportKind; readonly proven: boolean }>;

interface SiteResults {
  readonly results: Results;
  last: CollectedReport | undefined;
}

/** Joins the files of one or more collectors. */
export class FleetView {
  readonly #results: Results = new Map();
  /** Ids that are proven by a line of their own: of any site, and of a collector whose files may be read first. */
  readonly #proofs: Set<string> = new Set();
  readonly #sites: Map<string, SiteResults> = new Map();
  readonly #lines: Map<string, SiteLine> = new Map();

  /** A line of `reports.jsonl`. */
  take(line: CollectedLine): void {
    if ("proof" in line) {
      this.#siteOf(line.site);
      this.#proofs.add(line.proof);
      return;
    }
    if (line.kind === "progress" || line.kind === "distress") return;
    const site = this.#siteOf(line.site);
    for (const results of [this.#results, site.results]) {
      const proven = line.proven || results.get(line.id)?.proven === true;
      results.set(line.id, { kind: line.kind, proven });
    }
    if ((site.last?.received ?? 0) <= line.received) site.last = line;
  }

  /** A line of `states.jsonl`. The latest state, and the latest presence, count. */
  noteSite(line: SiteLine): void {
    this.#siteOf(line.site);
    const known = this.#lines.get(line.site);
    const state = (known?.stateAt ?? -1) > (line.stateAt ?? -1) ? known : line;
    const presence = (known?.presenceAt ?? -1) > (line.presenceAt ?? -1) ? known : line;
    this.#lines.set(line.site, {
      site: line.site,
      stateAt: state?.stateAt,
      state: state?.state,
      presenceAt: presence?.presenceAt,
      presence: presence?.presence,
    });
  }

  #siteOf(site: string): SiteResults {
    const known = this.#sites.get(site) ?? { results: new Map(), last: undefined };
    this.#sites.set(site, known);
    return known;
  }

  summary(): FleetSummary {
    const sites = [...this.#sites].map(([site, results]) => this.#siteView(site, results));
    sites.sort((a, b) => (a.site < b.site ? -1 : 1));
    const boards = sites.flatMap((site) => site.boards);
    return {
      ...this.#countsOf(this.#results),
      sites,
      boards: new Set(boards.map(({ id }) => id)).size,
      inDistress: new Set(boards.filter(({ state }) => state === "distress").map(({ id }) => id)).size,
      offline: sites.filter(({ presence }) => presence === "offline").length,
      suspects: [...new Set(sites.flatMap(({ suspects }) => suspects))].sort(),
    };
  }

  #siteView(site: string, { results, last }: SiteResults): SiteView {
    const line = this.#lines.get(site);
    const { state, stateAt = 0 } = line ?? {};
    return {
      site,
      ...this.#countsOf(results),
      presence: line?.presence ?? "unknown",
      presenceSince: line?.presenceAt,
      stateAt: line?.stateAt,
      boards: (state?.boards ?? []).map(({ forMs, ...board }) => ({
        ...board,
        since: stateAt < forMs ? null : stateAt - forMs,
      })),
      suspects: state?.suspects ?? [],
      conflicts: state?.conflicts ?? [],
      waiting: state?.waiting ?? 0,
      dropped: state?.dropped ?? 0,
      fault: state?.fault,
      lastReport: last,
    };
  }

  #countsOf(results: Results): FleetCounts {
    const counts = { healed: 0, updated: 0, reverted: 0, unproven: 0 };
    for (const [id, { kind, proven }] of results) {
      if (kind === "progress" || kind === "distress") continue;
      // What a beacon showed of an update is never proven: only heals without proof are counted apart.
      if (kind === "healed" && !proven && !this.#proofs.has(id)) counts.unproven++;
      else counts[kind]++;
    }
    return counts;
  }
}
