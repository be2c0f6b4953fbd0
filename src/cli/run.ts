import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import { doneVerdict, errorVerdict, interruptedVerdict } from "./command-verdict.ts";
import { takeHeldSignals } from "./early-signals.ts";
import { checkWords } from "./help.ts";
import { Output } from "./output.ts";
import { hasOutputFlags, type OutputFlags, tuneOutput } from "./output-flags.ts";
import { resultStream } from "./result-stream.ts";
import type { ServiceNotice } from "./service-notice.ts";

/** What a command is given. */
export interface CommandContext {
  readonly output: Output;
  /**
   * Aborted by the first SIGINT or SIGTERM, or by a SIGHUP that ends the command, whose name is its reason: the command ends
   * soon and leaves everything so that it can be resumed.
   */
  readonly signal: AbortSignal;
  /** The service manager that started this process, if there is one. */
  readonly service: ServiceNotice | undefined;
}

/** The work of a command. It resolves with undefined if it did what was asked. */
export type CommandWork = (context: CommandContext) => Promise<Verdict | undefined>;

/** Longest time that a command may take to end after a signal; then the process ends without it. */
const ABORT_GRACE_MS: Millis = 3000;

/** Flags that are the same for all commands that have them. */
interface CommonFlags extends OutputFlags {
  readonly json?: boolean;
}

/**
 * What SIGHUP is to a command. `end`: as SIGINT; a terminal that is closed sends it. `reopen`: where no terminal is, the files
 * that it writes are opened again, for logrotate, and it continues. `own`: the same everywhere, and the command does the rest.
 */
type Hangup = "end" | "reopen" | "own";

/** Gives a command its `--json` flag and its work. The process ends when the work does. */
export function onRun<Options extends object>(
  command: Command,
  work: (context: CommandContext, args: readonly string[], options: Options) => Promise<Verdict | undefined>,
  hangup: Hangup = hasOutputFlags(command) ? "reopen" : "end",
): void {
  command.option("--json", "print JSON lines on stdout; the last one is the verdict");
  command.action(async () => {
    checkWords(command);
    const { json, log, quiet, verbose, console, ...options } = command.opts<Options & CommonFlags>();
    const flags = Object.fromEntries(
      Object.entries({ log, quiet, verbose, console }).filter(([, value]) => value !== undefined),
    );
    const start = async (context: CommandContext): Promise<Verdict | undefined> => {
      if (hasOutputFlags(command)) await tuneOutput(context.output, flags);
      return await work(context, command.args, options as unknown as Options);
    };
    await execute(json === true, start, hangup);
  });
}

/** Runs a command's work, prints its verdict, also after errors and signals, and ends the process. */
export async function execute(isJson: boolean, work: CommandWork, hangup: Hangup = "end"): Promise<never> {
  const output = await Output.open({ isJson, stdout: resultStream(), stderr: process.stderr });
  const stop = new AbortController();
  watchSignals(stop);
  watchHangup(stop, output, hangup);
  for (const name of takeHeldSignals()) process.emit(name, name);
  let verdict: Verdict;
  try {
    const service = await serviceOf(output, stop.signal);
    const ended = work({ output, signal: stop.signal, service });
    verdict = (await Promise.race([ended, graceOver(stop.signal)])) ?? doneVerdict();
  } catch (error) {
    verdict = errorVerdict(error);
    if ((process.env["MAYDAY_DEBUG"] ?? "") !== "") output.note(debugText(error));
  }
  const code = await output.end(verdict);
  // Handles that a library left open must not keep the process alive after its verdict.
  return process.exit(code);
}

/** npm, sudo and timeout pass on a signal that the process group has got, too: what comes within this is the same one. */
const REPEAT_MS: Millis = 300;

/** The first signal asks the command to end, a later one ends the process. */
function watchSignals(stop: AbortController): void {
  let at: Millis = Number.NEGATIVE_INFINITY;
  const onSignal = (name: NodeJS.Signals): void => {
    const now = systemClock.now();
    if (!stop.signal.aborted) at = now;
    else if (now - at >= REPEAT_MS) process.exit(ExitCode.interrupted);
    stop.abort(name);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

/** SIGHUP, which may come several times, never ends the process without a verdict. */
function watchHangup(stop: AbortController, output: Output, hangup: Hangup): void {
  const isService = hangup === "own" || (hangup === "reopen" && process.stdin.isTTY !== true);
  process.on("SIGHUP", () => {
    if (isService) output.reopenLogs();
    else if (!stop.signal.aborted) stop.abort("SIGHUP");
  });
}

/** The service manager that started this process, if it wants to hear of it. */
async function serviceOf(output: Output, signal: AbortSignal): Promise<ServiceNotice | undefined> {
  if ((process.env["NOTIFY_SOCKET"] ?? "") === "") return undefined;
  const { ServiceNotice: Notice } = await import("./service-notice.ts");
  return Notice.take(process.env, { warn: (text) => output.warn(text), signal });
}

function graceOver(signal: AbortSignal): Promise<Verdict> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      systemClock.after(ABORT_GRACE_MS, () => resolve(interruptedVerdict()));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${debugText(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
