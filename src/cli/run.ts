import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import { doneVerdict, errorVerdict, interruptedVerdict } from "./command-verdict.ts";
import { Output } from "./output.ts";
import { resultStream } from "./result-stream.ts";

/** What a command is given. */
export interface CommandContext {
  readonly output: Output;
  /**
   * Aborted by the first SIGINT or SIGTERM, whose name is its reason: the command ends soon and leaves everything so that it
   * can be resumed.
   */
  readonly signal: AbortSignal;
}

/** The work of a command. It resolves with undefined if it did what was asked. */
export type CommandWork = (context: CommandContext) => Promise<Verdict | undefined>;

/** Longest time that a command may take to end after a signal; then the process ends without it. */
const ABORT_GRACE_MS: Millis = 3000;

/** Flags that are the same for all commands that have them. */
interface CommonFlags {
  readonly json?: boolean;
  readonly log?: string;
}

/** Gives a command a `--log` flag; {@link onRun} does what it says. */
export function addLogFlag(command: Command): void {
  command.option("--log <file>", "append what happens to this file: the lines of --json with their time");
}

async function logTo(path: string, output: Output): Promise<void> {
  const { LogFile } = await import("../files/log-file.ts");
  output.logTo(LogFile.open(path));
}

/** Gives a command its `--json` flag and its work. The process ends when the work does. */
export function onRun<Options extends object>(
  command: Command,
  work: (context: CommandContext, args: readonly string[], options: Options) => Promise<Verdict | undefined>,
): void {
  command.option("--json", "print JSON lines on stdout; the last one is the verdict");
  command.action(async () => {
    const { json, log, ...options } = command.opts<Options & CommonFlags>();
    await execute(json === true, async (context) => {
      if (log !== undefined) await logTo(log, context.output);
      return work(context, command.args, options as unknown as Options);
    });
  });
}

/** Runs a command's work, prints its verdict, also after errors and signals, and ends the process. */
export async function execute(isJson: boolean, work: CommandWork): Promise<never> {
  const output = await Output.open({ isJson, stdout: resultStream(), stderr: process.stderr });
  const stop = new AbortController();
  watchSignals(stop);
  let verdict: Verdict;
  try {
    const ended = work({ output, signal: stop.signal });
    verdict = (await Promise.race([ended, graceOver(stop.signal)])) ?? doneVerdict();
  } catch (error) {
    verdict = errorVerdict(error);
    if ((process.env["MAYDAY_DEBUG"] ?? "") !== "") output.note(debugText(error));
  }
  const code = await output.end(verdict);
  // Handles that a library left open must not keep the process alive after its verdict.
  return process.exit(code);
}

/** The first signal asks the command to end, the second one ends the process. */
function watchSignals(stop: AbortController): void {
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(ExitCode.interrupted);
    stop.abort(name);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

function graceOver(signal: AbortSignal): Promise<Verdict> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      systemClock.after(ABORT_GRACE_MS, () => resolve(interruptedVerdict()));
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${debugText(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
