import { errorWords } from "../../base/system-error.ts";
import { LineFile } from "../../files/line-file.ts";
import type { Report } from "../fleet-report.ts";

/** At this size, in bytes, the file becomes `NAME.1`, in place of the one before, and a new one begins. */
export const LOG_BYTES_MAX: number = 16 * 1024 * 1024;
/** Reports that wait in memory while the disk is full; the oldest ones give way. */
const WAITING_MAX = 1_000;

/** All reports of a node in a file of its machine, one JSON object a line, each flushed to the disk. No call of it fails. */
export class ReportLog {
  readonly #file: LineFile;
  readonly #warn: (text: string) => void;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #told = "";

  private constructor(file: LineFile, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
  }

  /** Opens the file, or makes it. The errors are those of `LineFile.open`. `warn` is told what cannot be written, the same once. */
  static open(path: string, warn: (text: string) => void): ReportLog {
    return new ReportLog(LineFile.open(path), warn);
  }

  add(report: Report): void {
    this.#waiting.push(`${JSON.stringify(report)}\n`);
    this.#waiting = this.#waiting.slice(-WAITING_MAX);
    this.#write();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#file.size > LOG_BYTES_MAX) await this.#file.rotate(`${this.#file.path}.1`);
        await this.#file.append(lines.join(""));
        this.#told = "";
      } catch (error) {
        // With the next report it is tried again.
        this.#waiting = [...lines, ...this.#waiting].slice(-WAITING_MAX);
        const why = errorWords(error);
        if (why !== this.#told)
          this.#warn(`${this.#file.path} cannot be written: ${why}; reports wait in memory`);
        this.#told = why;
        return;
      }
    }
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
