import { BoundedMap } from "../base/bounded-map.ts";
import type { AckCursor, ReportBatch } from "./fleet-messages.ts";
import type { Report } from "./fleet-report.ts";

/** Ids that a collector remembers, the newest ones: 32 digits each, about 30 MB. */
export const IDS_MAX = 262_144;
/** Sites of a fleet; a further one is refused. */
export const SITES_MAX = 262_144;
/** Outboxes of a site: a new one is a disk that was exchanged. */
const EPOCHS_MAX = 4;
/** Stretches behind a gap: what was sent before comes again, and fills it. */
const STRETCHES_MAX = 64;

/** A line of `reports.jsonl` of a collector. */
export interface CollectedReport extends Report {
  readonly site: string;
  /** When it came, in milliseconds since 1970, by the collector's clock. */
  readonly received: number;
  /** When it happened: by the site's clock if that is sure, else by the collector's and the time that had passed since; null if neither is known. */
  readonly when: number | null;
}

/** A line that says that a report before it, by its id, is proven after all: another witness has the link key. */
export interface ProofLine {
  readonly proof: string;
  readonly site: string;
  readonly received: number;
}

export type CollectedLine = CollectedReport | ProofLine;

interface Epoch {
  through: number;
  /** What is stored behind a gap: nothing between `after` and `last` is missing. */
  stretches: readonly { readonly after: number; readonly last: number }[];
}

/** What a batch leads to: lines to store, and then the cursor to publish. */
export interface Taken {
  readonly lines: readonly CollectedLine[];
  readonly cursor: AckCursor;
}

/** What a collector knows: which reports it has, and up to where those of each site are complete (ADR 0044). Pure: it stores nothing. */
export class CollectorBook {
  readonly #ids: BoundedMap<string, boolean>;
  readonly #sites: Map<string, BoundedMap<string, Epoch>> = new Map();

  constructor(idsMax: number = IDS_MAX) {
    this.#ids = new BoundedMap(idsMax);
  }

  /** Number of sites. */
  get sites(): number {
    return this.#sites.size;
  }

  /** A line that was stored before. */
  restoreLine(line: CollectedLine): void {
    if ("proof" in line) this.#ids.set(line.proof, true);
    else this.#noteId(line);
  }

  /**
   * A cursor that was stored before, or that another collector published. Returns the site's cursor if it went beyond that: what
   * was stored here behind a gap is complete by it.
   */
  noteCursor(site: string, { epoch, through }: AckCursor): AckCursor | undefined {
    const known = this.#epochOf(site, epoch);
    if (known === undefined) return undefined;
    advance(known, through);
    return known.through > through ? { v: 1, epoch, through: known.through } : undefined;
  }

  /** All cursors, to publish them again. */
  *cursors(): Generator<{ readonly site: string; readonly cursor: AckCursor }> {
    for (const [site, epochs] of this.#sites) {
      const cursor = this.cursorOf(site, epochs);
      if (cursor !== undefined) yield { site, cursor };
    }
  }

  /** The cursor of a site's latest outbox. */
  cursorOf(
    site: string,
    epochs: BoundedMap<string, Epoch> | undefined = this.#sites.get(site),
  ): AckCursor | undefined {
    const latest = [...(epochs?.entries() ?? [])].at(-1);
    return latest === undefined ? undefined : { v: 1, epoch: latest[0], through: latest[1].through };
  }

  /** Takes a batch. `received`: milliseconds since 1970. Undefined for a site beyond {@link SITES_MAX}. */
  take(site: string, batch: ReportBatch, received: number): Taken | undefined {
    const known = this.#epochOf(site, batch.epoch);
    if (known === undefined) return undefined;
    const lines = batch.reports.flatMap((report) => this.#lineOf(site, report, batch, received));
    advance(known, batch.acked);
    const last = batch.reports.at(-1)?.seq ?? batch.after;
    known.stretches = [...known.stretches, { after: batch.after, last }].slice(-STRETCHES_MAX);
    advance(known, known.through);
    return { lines, cursor: { v: 1, epoch: batch.epoch, through: known.through } };
  }

  #lineOf(
    site: string,
    { seq: _, ...report }: ReportBatch["reports"][number],
    { run, upMs }: ReportBatch,
    received: number,
  ): CollectedLine[] {
    const proven = this.#ids.get(report.id);
    this.#noteId(report);
    if (proven === undefined) {
      const ago = report.run === run && report.upMs <= upMs ? upMs - report.upMs : undefined;
      // Longer ago than 1970 by the collector's clock: that one is not set.
      const byCollector = ago === undefined || ago > received ? null : received - ago;
      const when = report.clockSure ? report.at : byCollector;
      return [{ ...report, site, received, when }];
    }
    return report.proven && !proven ? [{ proof: report.id, site, received }] : [];
  }

  #noteId({ id, proven }: Report): void {
    this.#ids.set(id, proven || this.#ids.get(id) === true);
  }

  /** The outbox with this epoch, which is the site's latest then. */
  #epochOf(site: string, epoch: string): Epoch | undefined {
    let epochs = this.#sites.get(site);
    if (epochs === undefined) {
      if (this.#sites.size >= SITES_MAX) return undefined;
      epochs = new BoundedMap(EPOCHS_MAX);
      this.#sites.set(site, epochs);
    }
    const known = epochs.get(epoch) ?? { through: 0, stretches: [] };
    epochs.set(epoch, known);
    return known;
  }
}

/** Everything up to `through` is stored, and so are the stretches that begin there. */
function advance(epoch: Epoch, through: number): void {
  epoch.through = Math.max(epoch.through, through);
  for (;;) {
    const next = epoch.stretches.find(({ after, last }) => after <= epoch.through && last > epoch.through);
    if (next === undefined) break;
    epoch.through = next.last;
  }
  epoch.stretches = epoch.stretches.filter(({ last }) => last > epoch.through);
}
