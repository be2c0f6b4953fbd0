import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { UsageError } from "../base/errors.ts";
import type { LogFile } from "../files/log-file.ts";
import { ConsoleSink } from "./console-sink.ts";
import { addFlagVariables } from "./flag-variables.ts";
import { GuardedLog } from "./guarded-log.ts";
import type { Output } from "./output.ts";
import { keepHeapSmall } from "./small-heap.ts";

/** What the flags of {@link addOutputFlags} say. */
export interface OutputFlags {
  readonly log?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly console?: string;
}

/** Gives a command with links its flags for what it prints and keeps; `onRun` does what they say. */
export function addOutputFlags(command: Command): void {
  command
    .option(
      "--log <file>",
      "append what happens to this file: the lines of --json with their time; SIGHUP opens it again",
    )
    .option("--quiet", "print only warnings, errors and healed boards")
    .option("--verbose", "print each line with its time, and changes of roles")
    .option(
      "--console <where>",
      "text of the neighbour: on, off, or a file that it is appended to (default: on)",
    );
  addFlagVariables(command, ["log", "quiet", "verbose", "console"]);
}

/** Whether a command has the flags. */
export function hasOutputFlags(command: Command): boolean {
  return command.options.some(({ long }) => long === "--console");
}

/** Does what the flags say. UsageError `quiet-verbose`, and the errors of log files. */
export async function tuneOutput(output: Output, flags: OutputFlags): Promise<void> {
  const { log, quiet = false, verbose = false, console: where = "on" } = flags;
  if (quiet && verbose)
    throw new UsageError("quiet-verbose", "--quiet and --verbose exclude each other: give one");
  const verbosity = quiet ? "quiet" : verbose ? "verbose" : "normal";
  keepHeapSmall();
  output.tune({ verbosity, console: await consoleSink(where, output) });
  if (log !== undefined) output.logTo(await openLog(log));
}

async function consoleSink(where: string, output: Output): Promise<ConsoleSink> {
  if (where === "on") return ConsoleSink.shown(systemClock);
  if (where === "off") return ConsoleSink.apart(systemClock, undefined);
  const file = new GuardedLog(await openLog(where), (text) => output.warn(text));
  return ConsoleSink.apart(systemClock, file);
}

async function openLog(path: string): Promise<LogFile> {
  const { LogFile: Opened } = await import("../files/log-file.ts");
  return Opened.open(path);
}
