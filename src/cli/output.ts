import type { Writable } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import { errorWords } from "../base/system-error.ts";
import type { NodeEvent } from "../node/node-event.ts";
import type { Verdict } from "../node/verdict.ts";
import { lostVerdict } from "./command-verdict.ts";
import { eventText, verdictText } from "./event-text.ts";
import { BarProgress, PlainProgress, type ProgressView } from "./progress.ts";
import { flushed, lossOf } from "./result-stream.ts";
import { printableJson, TerminalText } from "./terminal-text.ts";

/** A line of `--json`. Byte arrays are hexadecimal; a field without a value is null. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Takes lines, each with its end. */
export interface Log {
  readonly path: string;
  append(line: string): void;
}

export interface OutputOptions {
  readonly isJson: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock?: Clock;
}

/** The output of a command: results on stdout, as text or JSON lines; everything else for people on stderr. */
export class Output {
  readonly isJson: boolean;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #progress: ProgressView;
  #log: Log | undefined;

  private constructor(options: OutputOptions, progress: ProgressView) {
    this.isJson = options.isJson;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#progress = progress;
  }

  /** A reader that closes the pipe (`mayday repo list | head -1`) does not stop the command. */
  static async open(options: OutputOptions): Promise<Output> {
    for (const stream of [options.stdout, options.stderr]) stream.on("error", () => {});
    const { stderr, clock = systemClock } = options;
    const progress =
      stderr.isTTY === true ? await BarProgress.load(stderr) : new PlainProgress(stderr, clock);
    return new Output(options, progress);
  }

  /** Text for people, with and without `--json`. */
  note(text: string): void {
    this.#progress.line(TerminalText.plain(text));
  }

  warn(text: string): void {
    this.#logged({ event: "warning", text });
    this.#line("yellow", "warning:", text);
  }

  /** Progress is left out: it is for those who wait. */
  #logged(event: JsonEvent | NodeEvent): void {
    if (this.#log === undefined || event.event === "progress") return;
    const log = this.#log;
    try {
      log.append(jsonLine({ time: new Date().toISOString(), ...event }));
    } catch (error) {
      this.#log = undefined;
      this.warn(`${log.path} is no longer written: ${errorWords(error)}`);
    }
  }

  #line(style: "yellow" | "red", label: string, text: string): void {
    this.#progress.line(TerminalText.joined(TerminalText.styled(this.#stderr, style, label), ` ${text}`));
  }

  /** From now on also writes what happens to a log; if that fails, there is one warning. */
  logTo(log: Log): void {
    this.#log = log;
  }

  /** A result: the text, or with `--json` the event. */
  result(text: string, event: JsonEvent): void {
    this.#logged(event);
    this.#stdout.write(this.isJson ? jsonLine(event) : textLine(text));
  }

  /** An event that only `--json` shows. */
  event(event: JsonEvent | NodeEvent): void {
    this.#logged(event);
    if (this.isJson) this.#stdout.write(jsonLine(event));
  }

  /** An event of a node: with `--json` as a line; for people as text or progress. */
  nodeEvent(event: NodeEvent): void {
    this.event(event);
    if (event.event === "progress") this.#progress.update(event);
    const isOver = event.event === "verified" || event.event === "healed" || event.event === "lost";
    if (isOver) this.#progress.finish(event.link);
    const text = eventText(event);
    if (text !== undefined) this.note(text);
  }

  /** Removes the progress of a link, or of all links. */
  endProgress(link?: string): void {
    if (link === undefined) this.#progress.stop();
    else this.#progress.finish(link);
  }

  /**
   * Shows how the command ended, and resolves with its exit code when everything written has left this process. A result that could
   * not be written is a failure, whatever the command did.
   */
  async end(verdict: Verdict): Promise<ExitCode> {
    await this.close();
    const loss = lossOf(this.#stdout);
    const shown = verdict.ok && loss !== undefined ? lostVerdict(loss) : verdict;
    this.verdict(shown);
    await this.close();
    // The verdict itself may be what got lost.
    const lossNow = lossOf(this.#stdout);
    if (!shown.ok || lossNow === undefined) return shown.code;
    this.#failure(lostVerdict(lossNow));
    await this.close();
    return ExitCode.failed;
  }

  #failure({ detail, reason }: Verdict): void {
    this.#line("red", "mayday:", detail ?? reason);
  }

  /** The last line of `--json`. For people, the error on stderr; nothing after a success. */
  verdict(verdict: Verdict): void {
    this.#progress.stop();
    const { detail, ...fields } = verdict;
    const message = detail ?? verdict.reason;
    if (!verdict.ok) this.#failure(verdict);
    this.event({ event: "verdict", ...fields, ...(verdict.ok && detail === undefined ? {} : { message }) });
  }

  /** The result line of a command over a link; its verdict follows at the end. */
  linkResult(verdict: Verdict): void {
    if (verdict.ok && !this.isJson) this.#stdout.write(textLine(verdictText(verdict)));
  }

  /** Resolves when everything written has left this process, or cannot leave it. */
  async close(): Promise<void> {
    this.#progress.stop();
    await Promise.all([flushed(this.#stdout), flushed(this.#stderr)]);
  }
}

function jsonLine(event: JsonEvent | NodeEvent): string {
  const json = JSON.stringify(event, (_key, value: unknown) => (value === undefined ? null : value));
  return `${printableJson(json)}\n`;
}

function textLine(text: string): string {
  return `${TerminalText.plain(text).written}\n`;
}
