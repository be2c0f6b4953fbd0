import type { Writable } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { NodeEvent } from "../node/node-event.ts";
import type { Verdict } from "../node/verdict.ts";
import { lostVerdict } from "./command-verdict.ts";
import { ConsoleSink } from "./console-sink.ts";
import { eventText, healText, verdictText } from "./event-text.ts";
import { GuardedLog, type Log } from "./guarded-log.ts";
import { BarProgress, PlainProgress, type ProgressView } from "./progress.ts";
import { RepeatedCalls } from "./repeated-calls.ts";
import { flushed, lossOf } from "./result-stream.ts";
import { printableJson, TerminalText } from "./terminal-text.ts";

/** A line of `--json`. Byte arrays are hexadecimal; a field without a value is null. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command with links prints; all others print everything, without times. */
export interface OutputSettings {
  /** `quiet`: warnings, errors and heals. `verbose`: each line with its time, and changes of roles. */
  readonly verbosity: "quiet" | "normal" | "verbose";
  readonly console: ConsoleSink;
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
  readonly #logs: GuardedLog[] = [];
  #verbosity: OutputSettings["verbosity"] = "normal";
  #console: ConsoleSink;
  #stampsEvents = false;
  readonly #calls: RepeatedCalls;

  private constructor(options: OutputOptions, progress: ProgressView) {
    const clock = options.clock ?? systemClock;
    this.#console = ConsoleSink.shown(clock);
    this.#calls = new RepeatedCalls(clock);
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

  /** From now on prints what the settings say, and each JSON line of a node with its time. */
  tune({ verbosity, console }: OutputSettings): void {
    this.#verbosity = verbosity;
    this.#console = console;
    this.#stampsEvents = true;
  }

  /** Text for people, with and without `--json`. */
  note(text: string): void {
    if (this.#verbosity !== "quiet") this.#show(TerminalText.plain(text));
  }

  warn(text: string): void {
    this.#logged({ event: "warning", text });
    this.#line("yellow", "warning:", text);
  }

  #show(text: TerminalText): void {
    const isTimed = this.#verbosity === "verbose";
    this.#progress.line(isTimed ? TerminalText.joined(`${new Date().toISOString()} `, text) : text);
  }

  /** Progress is left out: it is for those who wait. */
  #logged(event: JsonEvent | NodeEvent): void {
    if (this.#logs.length === 0 || event.event === "progress") return;
    const line = jsonLine({ time: new Date().toISOString(), ...event });
    for (const log of this.#logs) log.append(line);
  }

  #line(style: "yellow" | "red", label: string, text: string): void {
    this.#show(TerminalText.joined(TerminalText.styled(this.#stderr, style, label), ` ${text}`));
  }

  /** From now on also writes what happens to a log; if that fails, there is one warning. */
  logTo(log: Log): void {
    this.#logs.push(new GuardedLog(log, (text) => this.warn(text)));
  }

  /** Opens the files that it writes again, by their names: logrotate gave the old ones others. */
  reopenLogs(): void {
    for (const log of this.#logs) log.reopen();
    this.#console.reopen();
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
    if (event.event === "console") this.#consoleEvent(event);
    else this.#otherEvent(event);
  }

  #consoleEvent(event: Extract<NodeEvent, { event: "console" }>): void {
    const lines = this.#console.take(event.link, event.text);
    if (!this.#console.isShown) return;
    if (this.isJson) this.#printEvent(event);
    if (lines.length === 0) return;
    this.#logged(event);
    for (const line of lines) this.note(`${event.link}| ${line}`);
  }

  #otherEvent(event: Exclude<NodeEvent, { event: "console" }>): void {
    this.#logged(event);
    if (this.isJson) this.#printEvent(event);
    const isQuiet = this.#verbosity === "quiet";
    if (event.event === "progress" && !isQuiet) this.#progress.update(event);
    const isDone = event.event === "verified" || event.event === "healed";
    if (isDone || event.event === "lost") this.#progress.finish(event.link, isDone);
    const text = eventText(event);
    const isNews = text !== undefined && this.#calls.isNews(event, text);
    if (event.event === "healed")
      for (const line of [healText(event), text ?? ""]) this.#show(TerminalText.plain(line));
    else if (event.event === "not-healthy") this.#line("yellow", "warning:", text ?? "");
    else if (isNews) this.note(text);
    else if (event.event === "role" && this.#verbosity === "verbose")
      this.note(`${event.link}: role ${event.role}`);
  }

  /** Programs that compare verdicts find them as they were: only what happens on the way has a time. */
  #printEvent(event: NodeEvent): void {
    const time = this.#stampsEvents ? { time: new Date().toISOString() } : {};
    this.#stdout.write(jsonLine({ ...event, ...time }));
  }

  /** Ends the progress of all links. */
  endProgress(): void {
    this.#progress.stop();
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
