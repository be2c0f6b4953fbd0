import type { Command, CommanderError } from "commander";
import { UsageError } from "../base/errors.ts";

/** What a command's help says besides its flags. */
export interface HelpTexts {
  /** One line, for the list of commands of its group. */
  readonly summary?: string;
  /** What it does, in a few sentences. */
  readonly does: string;
  /** Command lines that work. */
  readonly examples: readonly string[];
  /** What its exit codes mean, besides 0, 1, 2 and 130, which mean the same for all commands. */
  readonly exits?: readonly string[];
}

/** An exit code that several board commands share. */
export const NOT_BOOTABLE = "5 not bootable";

/** Column at which help is wrapped. */
const WIDTH = 96;
const COMMON_EXITS = ["0 done", "1 failed", "2 usage error", "130 interrupted"] as const;

/** Adds a command to `parent`. `syntax` is its name and arguments, in commander's notation. */
export function addCommand(parent: Command, syntax: string, texts: HelpTexts): Command {
  const command = parent
    .command(syntax)
    .summary(texts.summary ?? "")
    .description(texts.does);
  const codes = [...COMMON_EXITS, ...(texts.exits ?? [])].sort(byNumber).join("\n  ");
  const examples = texts.examples.map((line) => `  $ ${line}`).join("\n");
  command.addHelpText("after", `\nExamples:\n${examples}\n\nExit codes:\n  ${codes}`);
  return explainErrors(command);
}

/** Adds a command that only groups other commands. */
export function addGroup(parent: Command, name: string, summary: string): Command {
  return explainErrors(parent.command(name).summary(summary).description(summary));
}

/** Turns commander's errors into UsageErrors that say which help to read. */
export function explainErrors(command: Command): Command {
  command.configureOutput({ outputError: () => {} }).configureHelp({ helpWidth: WIDTH });
  return command.allowExcessArguments(false).exitOverride((error) => {
    // Help or the version was shown.
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
