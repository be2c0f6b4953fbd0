import { join } from "node:path";
import * as v from "valibot";
import { FailedError } from "../../base/errors.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { type FolderLock, lockFolder } from "../../files/folder-lock.ts";
import { LineFile, readLines } from "../../files/line-file.ts";
import { hex, whole } from "../fields.ts";
import { type NumberedReport, NumberedReportSchema } from "../fleet-report.ts";
import { emptyOutbox, type OutboxContent } from "../outbox-queue.ts";

/** Name of the file in the folder of an outbox. */
export const OUTBOX_FILE = "outbox.jsonl";
/** Lines that mean nothing any more before the file is written again. */
const DEAD_MAX = 2_000;

const HeaderSchema = v.strictObject({ epoch: hex(16), next: whole(), through: whole() });
const LineSchema = v.union([
  v.strictObject({ header: HeaderSchema }),
  v.strictObject({ add: NumberedReportSchema }),
  v.strictObject({ drop: whole() }),
  v.strictObject({ through: whole() }),
]);

/** The lines of an outbox on a disk: what was added, gave way, or was acknowledged, in order. One process has it at a time. */
export class OutboxFile {
  readonly content: OutboxContent;
  /** Lines that could not be read, and were left out. */
  readonly damaged: number;
  readonly #file: LineFile;
  readonly #lock: FolderLock;
  #lines: number;

  private constructor(
    { file, lock }: { readonly file: LineFile; readonly lock: FolderLock },
    content: OutboxContent,
    lines: number,
    damaged: number,
  ) {
    this.#file = file;
    this.#lock = lock;
    this.content = content;
    this.#lines = lines;
    this.damaged = damaged;
  }

  /**
   * Opens the outbox in a folder, or makes it. `epoch`: of a new one. FailedError `outbox-busy`, `no-flock`; the others are those of
   * `LineFile.open`.
   */
  static open(folder: string, epoch: string): OutboxFile {
    makeFolder(folder, 0o700);
    // Two nodes would give the same numbers to different reports, and a collector's cursor would drop those of both.
    const lock = lockFolder(folder);
    if (lock === undefined) {
      const message = `${folder}: another node has its outbox there; end it, or give each node a folder of its own with outbox in [fleet]`;
      throw new FailedError("outbox-busy", message, { folder });
    }
    try {
      const path = join(folder, OUTBOX_FILE);
      const file = LineFile.open(path);
      const reader = new OutboxReader(epoch);
      readLines(path, (line) => reader.take(line));
      return new OutboxFile({ file, lock }, reader.content, reader.lines, reader.damaged);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Writes what happened to the outbox since the last call; `now` is what it holds then. Resolves when it is on the disk. Rejects
   * with the error of the operating system: call it again with the same and what came since.
   */
  async write(changes: readonly OutboxChange[], now: OutboxContent): Promise<void> {
    const isRenewed = changes.some((change) => "epoch" in change);
    if (isRenewed || this.#lines === 0 || this.#lines - now.reports.length > DEAD_MAX + now.reports.length) {
      await this.#file.replace(textOf(now));
      this.#lines = 1 + now.reports.length;
      return;
    }
    await this.#file.append(changes.map((change) => `${JSON.stringify(change)}\n`).join(""));
    this.#lines += changes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
    this.#lock.release();
  }
}

/** A line of an outbox; `epoch`: it is another outbox from now on. */
export type OutboxChange =
  | { readonly add: NumberedReport }
  | { readonly drop: number }
  | { readonly through: number }
  | { readonly epoch: string };

function textOf({ epoch, next, through, reports }: OutboxContent): string {
  const lines = [{ header: { epoch, next, through } }, ...reports.map((add) => ({ add }))];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

class OutboxReader {
  lines = 0;
  damaged = 0;
  #content: OutboxContent;
  readonly #reports: Map<number, NumberedReport> = new Map();

  constructor(epoch: string) {
    this.#content = emptyOutbox(epoch);
  }

  get content(): OutboxContent {
    const reports = [...this.#reports.values()].filter(({ seq }) => seq > this.#content.through);
    return { ...this.#content, reports };
  }

  take(line: string | undefined): void {
    this.lines++;
    const parsed = v.safeParse(LineSchema, parsedLine(line));
    if (!parsed.success) {
      this.damaged++;
      return;
    }
    const { output } = parsed;
    if ("header" in output) this.#content = { ...output.header, reports: [] };
    else if ("drop" in output) this.#reports.delete(output.drop);
    else if ("through" in output) this.#content = { ...this.#content, through: output.through };
    else {
      this.#reports.set(output.add.seq, output.add);
      this.#content = { ...this.#content, next: Math.max(this.#content.next, output.add.seq + 1) };
    }
  }
}

/** JSON of a line; undefined if it is none. */
export function parsedLine(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? "") as unknown;
  } catch {
    return undefined;
  }
}
