import type { Clock, Timer } from "../../base/clock.ts";
import { errorWords } from "../../base/system-error.ts";
import type { Millis } from "../../base/units.ts";
import type { Report } from "../fleet-report.ts";
import { OutboxQueue } from "../outbox-queue.ts";
import type { OutboxChange, OutboxFile } from "./outbox-file.ts";

/** After a failure the disk is tried again this much later, or with the next report. */
const RETRY_MS: Millis = 30_000;
/** Changes that wait in memory while the disk cannot be written. */
const WAITING_MAX = 1_000;

export interface OutboxHost {
  readonly clock: Clock;
  /** Everything up to this number is on the disk. */
  onStored(seq: number): void;
  /** The disk cannot be written, or can be again (undefined). Told once for each change. */
  onFault(why: string | undefined): void;
}

/** The outbox of a site: the queue in memory, and the file that it survives in. No call of it fails. */
export class SiteOutbox {
  readonly queue: OutboxQueue;
  readonly #file: OutboxFile;
  readonly #host: OutboxHost;
  #changes: OutboxChange[] = [];
  #writing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #fault: string | undefined;

  constructor(file: OutboxFile, host: OutboxHost) {
    this.#file = file;
    this.#host = host;
    this.queue = new OutboxQueue(file.content);
  }

  /** Why the disk cannot be written. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Takes a report. While the disk is full only the latest thousand changes, and all results, wait for it. */
  add(report: Report): void {
    const isCrowded = this.#fault !== undefined && this.#changes.length >= WAITING_MAX;
    if (isCrowded && (report.kind === "progress" || report.kind === "distress" || !report.proven)) return;
    const { added, gaveWay } = this.queue.add(report);
    this.#changes.push({ add: added });
    if (gaveWay !== undefined) this.#changes.push({ drop: gaveWay.seq });
    this.#write();
  }

  /** A collector has everything up to `through`; the queue has forgotten it. */
  noteForgotten(through: number): void {
    this.#changes.push({ through });
    this.#write();
  }

  /** Gives the queue another epoch. Calls `onStored` when that is on the disk. */
  renew(epoch: string): void {
    this.queue.renew(epoch);
    this.#changes = [{ epoch }];
    this.#write();
  }

  #write(): void {
    if (this.#writing !== undefined || this.#changes.length === 0) return;
    this.#retry?.cancel();
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#fault === undefined) this.#write();
    });
  }

  async #writeAll(): Promise<void> {
    const changes = this.#changes;
    const { last, content } = this.queue;
    this.#changes = [];
    try {
      await this.#file.write(changes, content);
      this.#tell(undefined);
      this.#host.onStored(last);
    } catch (error) {
      this.#changes = [...changes, ...this.#changes];
      this.#tell(errorWords(error));
      this.#retry = this.#host.clock.after(RETRY_MS, () => this.#write());
    }
  }

  #tell(fault: string | undefined): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#host.onFault(fault);
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    await this.settled();
    this.#retry?.cancel();
    await this.#file.close();
  }
}
