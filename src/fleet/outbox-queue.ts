import type { NumberedReport, Report, ReportKind } from "./fleet-report.ts";

/** Reports that an outbox holds; only results that are proven may make it more. */
export const OUTBOX_MAX = 10_000;
/** Kinds that give way when it is full, the first one first; then results that nothing proves. */
const PASSING: readonly ReportKind[] = ["progress", "distress"];

/** What an outbox file holds. */
export interface OutboxContent {
  /** 16 digits, random when the outbox was made. */
  readonly epoch: string;
  /** Number of the next report. */
  readonly next: number;
  /** A collector has everything up to here. */
  readonly through: number;
  /** In the order of their numbers. */
  readonly reports: readonly NumberedReport[];
}

/** An outbox without reports. */
export function emptyOutbox(epoch: string): OutboxContent {
  return { epoch, next: 1, through: 0, reports: [] };
}

/** The reports that no collector has acknowledged, in memory (ADR 0044). Who owns it keeps it on a disk, too. */
export class OutboxQueue {
  #epoch: string;
  #next: number;
  #through: number;
  #reports: NumberedReport[];
  #dropped = 0;
  readonly #most: number;

  /** `most`: reports before some give way. */
  constructor({ epoch, next, through, reports }: OutboxContent, most: number = OUTBOX_MAX) {
    this.#epoch = epoch;
    this.#next = next;
    this.#through = through;
    this.#reports = [...reports];
    this.#most = most;
  }

  get content(): OutboxContent {
    return { epoch: this.#epoch, next: this.#next, through: this.#through, reports: [...this.#reports] };
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** A collector has everything up to this number. */
  get through(): number {
    return this.#through;
  }

  /** The highest number that was given. */
  get last(): number {
    return this.#next - 1;
  }

  get size(): number {
    return this.#reports.length;
  }

  /** Reports that gave way so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes a report and numbers it. Returns what gave way, by number: the oldest progress, else the oldest distress, else the
   * oldest result that nothing proves; the new report itself if it is the only such one.
   */
  add(report: Report): { readonly added: NumberedReport; readonly gaveWay: NumberedReport | undefined } {
    const added = { ...report, seq: this.#next++ };
    this.#reports.push(added);
    const gaveWay = this.#reports.length > this.#most ? this.#giveWay() : undefined;
    return { added, gaveWay };
  }

  #giveWay(): NumberedReport | undefined {
    const isPassing = [
      ...PASSING.map((kind) => (report: Report) => report.kind === kind),
      (report: Report) => !report.proven,
    ];
    for (const passes of isPassing) {
      const index = this.#reports.findIndex(passes);
      if (index < 0) continue;
      this.#dropped++;
      return this.#reports.splice(index, 1)[0];
    }
    return undefined;
  }

  /** Up to `most` reports with numbers above `after` and up to `until`. */
  slice(after: number, until: number, most: number): readonly NumberedReport[] {
    const from = this.#reports.findIndex(({ seq }) => seq > after);
    if (from < 0) return [];
    return this.#reports.slice(from, from + most).filter(({ seq }) => seq <= until);
  }

  /** A collector has everything up to `through`. Whether that was news. */
  forget(through: number): boolean {
    if (through <= this.#through) return false;
    this.#through = through;
    this.#reports = this.#reports.filter(({ seq }) => seq > through);
    return true;
  }

  /** Numbers all reports again, under another epoch. */
  renew(epoch: string): void {
    this.#epoch = epoch;
    this.#through = 0;
    this.#reports = this.#reports.map((report, i) => ({ ...report, seq: i + 1 }));
    this.#next = this.#reports.length + 1;
  }
}
