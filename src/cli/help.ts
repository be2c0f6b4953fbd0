import type { Command, CommanderError } from "commander";
import { UsageError } from "../base/errors.ts";

/** What a command's help teaches beyond its flags. */
export interface Teaching {
  /** One line, for the list of its group's commands. */
  readonly summary?: string;
  /** What it does, in a few sentences. */
  readonly does: string;
  /** Command lines that work. */
  readonly examples: readonly string[];
  /** What its exit codes mean, apart from 0, 1, 2 and 130, which mean the same everywhere. */
  readonly exits?: readonly string[];
}

/** An exit code that several commands of a board have. */
export const NOT_BOOTABLE = "5 not bootable";

/** Columns that help is wrapped at. */
const WIDTH = 96;
const EXITS_EVERYWHERE = ["0 done", "1 failed", "2 usage error", "130 interrupted"] as const;

/** Adds a command below `parent`. `syntax` is its name and arguments, as commander reads them. */
export function addCommand(parent: Command, syntax: string, teaching: Teaching): Command {
  const command = parent
    .command(syntax)
    .summary(teaching.summary ?? "")
    .description(teaching.does);
  const codes = [...EXITS_EVERYWHERE, ...(teaching.exits ?? [])].sort(byNumber).join("\n  ");
  const examples = teaching.examples.map((line) => `  $ ${line}`).join("\n");
  command.addHelpText("after", `\nExamples:\n${examples}\n\nExit codes:\n  ${codes}`);
  return teachErrors(command);
}

/** Adds a command that only has commands of its own. */
export function addGroup(parent: Command, name: string, summary: string): Command {
  return teachErrors(parent.command(name).summary(summary).description(summary));
}

/** Makes what commander finds wrong with a command line a UsageError that names the help to read. */
export function teachErrors(command: Command): Command {
  command.configureOutput({ outputError: () => {} }).configureHelp({ helpWidth: WIDTH });
  return command.allowExcessArguments(false).exitOverride((error) => {
    // Help and version were asked for, and shown.
    if (error.exitCode === 0) throw error;
    throw new UsageError(usageCode(error), `${usageText(error)}\nSee: ${pathOf(command)} --help`);
  });
}

/** "commander.unknownOption" becomes "unknown-option". */
function usageCode(error: CommanderError): string {
  if (error.code === "commander.help") return "missing-command";
  return error.code.replace(/^commander\./, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function usageText(error: CommanderError): string {
  if (error.code === "commander.help") return "a command is missing";
  return error.message.replace(/^error: /, "");
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}
