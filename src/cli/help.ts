import type { Command, CommanderError, Option } from "commander";
import { UsageError } from "../base/errors.ts";
import { commandMeant, type Mistake, mistakeIn, swallowedFlag } from "./mistakes.ts";

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

/** Columns at which help is wrapped: those of the terminal within limits; the width of most where there is none. */
const [WIDTH_MIN, WIDTH_MAX, WIDTH_DEFAULT] = [40, 100, 80];
/** Descriptions are wrapped unless less than this is left of the width. */
const WRAPPED_MIN = 12;
const texts: WeakMap<Command, HelpTexts> = new WeakMap();
const COMMON_EXITS = ["0 done", "1 failed", "2 usage error", "130 interrupted"] as const;

/** Adds a command to `parent`. `syntax` is its name and arguments, in commander's notation. */
export function addCommand(parent: Command, syntax: string, told: HelpTexts): Command {
  const command = parent
    .command(syntax)
    .summary(told.summary ?? "")
    .description(told.does);
  texts.set(command, told);
  const codes = [...COMMON_EXITS, ...(told.exits ?? [])].sort(byNumber).join("\n  ");
  const examples = told.examples.map((line) => exampleText(line, helpWidth())).join("\n");
  command.addHelpText("after", `\nExamples:\n${examples}\n\nExit codes:\n  ${codes}`);
  return explainErrors(command);
}

/** What was given to {@link addCommand}; undefined for groups. */
export function helpTextsOf(command: Command): HelpTexts | undefined {
  return texts.get(command);
}

/** Adds a command that only groups other commands. */
export function addGroup(parent: Command, name: string, summary: string): Command {
  return explainErrors(parent.command(name).summary(summary).description(summary));
}

function helpWidth(): number {
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, process.stdout.columns ?? WIDTH_DEFAULT));
}

/** A command line that can be pasted also where it is wrapped: before a flag, with a backslash. */
function exampleText(line: string, width: number): string {
  const lines = ["  $"];
  for (const part of line.split(/ (?=-)/)) {
    const last = lines.at(-1) ?? "";
    if (last.length + part.length + 3 <= width) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(`     ${part}`);
  }
  return lines.join(" \\\n");
}

/** Turns commander's errors into UsageErrors that say which help to read. */
export function explainErrors(command: Command): Command {
  command.configureOutput({ outputError: () => {} }).configureHelp({
    helpWidth: helpWidth(),
    minWidthToWrap: WRAPPED_MIN,
    optionDescription: (option) => `${option.description}${noteOf(option)}`,
  });
  return command.allowExcessArguments(false).exitOverride((error) => {
    // Help or the version was shown.
    if (error.exitCode === 0) throw error;
    throw mistakeError(mistakeOf(error, command), command);
  });
}

/** Refuses a command line that commander takes, and nobody means. UsageError. */
export function checkWords(command: Command): void {
  const mistake = swallowedFlag(command, wordsBehind(command));
  if (mistake !== undefined) throw mistakeError(mistake, command);
}

function mistakeError({ reason, text }: Mistake, command: Command): UsageError {
  return new UsageError(reason, `${text}\nSee: ${pathOf(command)} --help`);
}

/** The words of this process behind the command's name. */
function wordsBehind(command: Command): readonly string[] {
  return process.argv.slice(2 + depthOf(command));
}

/** What stands behind the description of a flag: whether it is required, its choices, its default and its variable. */
function noteOf({ mandatory, argChoices, defaultValue, defaultValueDescription, envVar }: Option): string {
  const told = defaultValueDescription ?? JSON.stringify(defaultValue);
  const notes = [
    ...(mandatory ? ["required"] : []),
    ...(argChoices === undefined
      ? []
      : [`choices: ${argChoices.map((choice) => JSON.stringify(choice)).join(", ")}`]),
    ...(defaultValue === undefined ? [] : [`default: ${told}`]),
  ];
  if (envVar !== undefined) notes.push(`env: ${envVar}`);
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}

/** What is wrong with the command line, and what was probably meant. */
function mistakeOf(error: CommanderError, command: Command): Mistake {
  const told = { reason: usageCode(error), text: usageText(error) };
  const words = wordsBehind(command);
  switch (error.code) {
    case "commander.unknownCommand":
      return { ...told, text: unknownCommandText(words[0] ?? "", command) };
    case "commander.missingMandatoryOptionValue":
    case "commander.unknownOption":
    case "commander.excessArguments":
    case "commander.missingArgument":
      return (
        (command.commands.length === 0 ? mistakeIn(command, words) : groupMistake(words, command)) ?? told
      );
    default:
      return told;
  }
}

function unknownCommandText(word: string, command: Command): string {
  const meant = commandMeant(word, command);
  const path = pathOf(command);
  return `unknown command '${word}'${meant === undefined ? "" : `; did you mean ${path} ${meant}?`}`;
}

/** A flag before the name of a command. */
function groupMistake(words: readonly string[], command: Command): Mistake | undefined {
  const [flag = ""] = words;
  const text = `unknown option '${flag}'`;
  const name = words.find((word) => command.commands.some((known) => known.name() === word));
  if (name !== undefined)
    return {
      reason: "unknown-option",
      text: `${text}; flags stand behind the command: ${pathOf(command)} ${name} ${flag}`,
    };
  const meant = commandMeant(flag, command);
  return meant === undefined
    ? undefined
    : { reason: "unknown-option", text: `${text}; did you mean ${pathOf(command)} ${meant}?` };
}

function depthOf(command: Command): number {
  return command.parent === null ? 0 : 1 + depthOf(command.parent);
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
