import type { Writable } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import type { NodeEvent } from "../node/node-event.ts";
import type { Verdict } from "../node/verdict.ts";
import { eventText, verdictText } from "./event-text.ts";
import { BarProgress, PlainProgress, type ProgressView } from "./progress.ts";
import { printableJson, TerminalText } from "./terminal-text.ts";

/** A line of `--json`. Bytes are given in hexadecimal; a field without a value is null. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export type OutputStream = Writable & { readonly isTTY?: boolean };

export interface OutputOptions {
  readonly isJson: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock?: Clock;
}

/** What a command says: results on stdout, as text or as JSON lines; everything for people on stderr. */
export class Output {
  readonly isJson: boolean;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #progress: ProgressView;

  private constructor(options: OutputOptions, progress: ProgressView) {
    this.isJson = options.isJson;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#progress = progress;
  }

  /** A reader that goes away (`mayday repo list | head -1`) is no reason to stop what is under way. */
  static async open(options: OutputOptions): Promise<Output> {
    for (const stream of [options.stdout, options.stderr]) stream.on("error", () => {});
    const { stderr, clock = systemClock } = options;
    const progress =
      stderr.isTTY === true ? await BarProgress.load(stderr) : new PlainProgress(stderr, clock);
    return new Output(options, progress);
  }

  /** For people, in either mode. */
  note(text: string): void {
    this.#progress.line(TerminalText.plain(text));
  }

  warn(text: string): void {
    this.#line("yellow", "warning:", text);
  }

  #line(style: "yellow" | "red", label: string, text: string): void {
    this.#progress.line(TerminalText.joined(TerminalText.styled(this.#stderr, style, label), ` ${text}`));
  }

  /** A result: `text`, or with `--json` the event. */
  result(text: string, event: JsonEvent): void {
    this.#stdout.write(this.isJson ? jsonLine(event) : textLine(text));
  }

  /** What only `--json` shows. */
  event(event: JsonEvent | NodeEvent): void {
    if (this.isJson) this.#stdout.write(jsonLine(event));
  }

  /** What a node tells, in the form of the mode; progress for people in either. */
  nodeEvent(event: NodeEvent): void {
    this.event(event);
    if (event.event === "progress") this.#progress.update(event);
    const isOver = event.event === "verified" || event.event === "healed" || event.event === "lost";
    if (isOver) this.#progress.finish(event.link);
    const text = eventText(event);
    if (text !== undefined) this.note(text);
  }

  /** Ends the progress shown for a link, or all of it. */
  endProgress(link?: string): void {
    if (link === undefined) this.#progress.stop();
    else this.#progress.finish(link);
  }

  /** The last line. Without `--json`: nothing for a success (results were told), the error on stderr otherwise. */
  verdict(verdict: Verdict): void {
    this.#progress.stop();
    const { detail, ...fields } = verdict;
    const message = detail ?? verdict.reason;
    if (!verdict.ok) this.#line("red", "mayday:", message);
    this.event({ event: "verdict", ...fields, ...(verdict.ok && detail === undefined ? {} : { message }) });
  }

  /** The result line of commands over a link; the verdict itself follows at the end. */
  linkResult(verdict: Verdict): void {
    if (verdict.ok && !this.isJson) this.#stdout.write(textLine(verdictText(verdict)));
  }

  /** Resolves when everything written has left this process, or cannot. */
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

function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write("", () => resolve());
  });
}
