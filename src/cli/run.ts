import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { Verdict } from "../node/verdict.ts";
import { doneVerdict, errorVerdict, interruptedVerdict } from "./command-verdict.ts";
import { Output } from "./output.ts";

/** What a command works with. */
export interface CommandContext {
  readonly output: Output;
  /** Aborted by the first SIGINT or SIGTERM: end soon, and leave everything resumable. */
  readonly signal: AbortSignal;
}

/** The work of a command. Undefined: it did what was asked. */
export type CommandWork = (context: CommandContext) => Promise<Verdict | undefined>;

/** How long a command may take to end after a signal before it is left behind. */
const ABORT_GRACE_MS: Millis = 3000;

/** Gives a command its `--json` flag and its work; the process ends with the work. */
export function onRun<Options extends object>(
  command: Command,
  work: (context: CommandContext, args: readonly string[], options: Options) => Promise<Verdict | undefined>,
): void {
  command.option("--json", "print JSON lines on stdout; the last one is the verdict");
  command.action(async () => {
    const { json, ...options } = command.opts<Options & { readonly json?: boolean }>();
    await execute(json === true, (context) => work(context, command.args, options as unknown as Options));
  });
}

/** Runs a command's work to its verdict, which is always told, also on errors and signals, and ends the process. */
export async function execute(isJson: boolean, work: CommandWork): Promise<never> {
  const { stdout, stderr } = process;
  const output = await Output.open({ isJson, stdout, stderr });
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
  output.verdict(verdict);
  await output.close();
  // Whatever a library may have left open must not keep a process whose verdict is out.
  return process.exit(verdict.code);
}

/** The first signal asks, the second one ends the process. */
function watchSignals(stop: AbortController): void {
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(ExitCode.interrupted);
    stop.abort();
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
