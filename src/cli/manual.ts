import type { Command } from "commander";
import { allCommands, type NamedCommand } from "./command-tree.ts";
import { addCommand, type HelpTexts, helpTextsOf } from "./help.ts";
import { packageVersion } from "./package-version.ts";
import { onRun } from "./run.ts";

/** Characters of a line of the page's source. */
const LINE_MAX = 78;

/** What the program's help says besides its commands, by heading. */
export type ProgramNotes = Readonly<Record<string, readonly string[]>>;

/** Registers `mayday manual`. `everything` gives a program with all commands. */
export function addManualCommand(
  program: Command,
  everything: () => Promise<Command>,
  notes: ProgramNotes,
): void {
  const command = addCommand(program, "manual", {
    does: "Prints the manual page, mayday(1), for man: all commands, flags, examples and exit codes. The package has it as dist/mayday.1.",
    examples: ["mayday manual | man -l -", "mayday manual > ~/.local/share/man/man1/mayday.1"],
  });
  onRun(command, async ({ output }) => {
    const page = manualPage(await everything(), notes);
    output.result(page.trimEnd(), { event: "manual", page });
    return undefined;
  });
}

/** The manual page of a program with all its commands, in the language of man(7). */
function manualPage(program: Command, notes: ProgramNotes): string {
  const [, ...commands] = allCommands(program);
  const name = program.name();
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${packageVersion()}" "User Commands"`,
    ".SH NAME",
    `${name} \\- boards that heal one another over a UART, I2C or TCP`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    escaped(program.createHelp().commandUsage(program).replace(`${name} `, "")),
    ".SH DESCRIPTION",
    ...paragraph(program.description()),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ...Object.entries(notes).flatMap(([heading, text]) => [
      `.SH ${heading.toUpperCase()}`,
      ...verbatim(text),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines({ command }: NamedCommand): string[] {
  const help = command.createHelp();
  const terms = [
    ...help
      .visibleArguments(command)
      .map((argument) => [help.argumentTerm(argument), help.argumentDescription(argument)] as const),
    ...help
      .visibleOptions(command)
      .map((option) => [help.optionTerm(option), help.optionDescription(option)] as const),
  ];
  const isGroup = command.commands.length > 0;
  return [
    `.SS ${escaped(help.commandUsage(command))}`,
    ...paragraph(help.commandDescription(command)),
    ...(isGroup ? [] : terms.flatMap(([term, text]) => [".TP", `.B ${escaped(term)}`, ...paragraph(text)])),
    ...textLines(helpTextsOf(command)),
  ];
}

/** Examples, and what the exit codes of a command mean besides those of all commands. */
function textLines(texts: HelpTexts | undefined): string[] {
  if (texts === undefined) return [];
  const { examples, exits = [] } = texts;
  const exitLines =
    exits.length === 0
      ? []
      : [".PP", ...paragraph(`Exit codes besides 0, 1, 2 and 130: ${exits.join(", ")}.`)];
  return [...(examples.length === 0 ? [] : [".PP", "Examples:", ".PP", ...verbatim(examples)]), ...exitLines];
}

/** Lines that stay as they are. */
function verbatim(lines: readonly string[]): string[] {
  return [".RS 4", ".nf", ...lines.map(escaped), ".fi", ".RE"];
}

/** Lines of at most {@link LINE_MAX} characters, each sentence on a line of its own, as man pages are written. */
function paragraph(text: string): string[] {
  return text.split(/\n|(?<=\w\w[.)]) (?=[A-Z])/).flatMap((sentence) => {
    const lines = [""];
    for (const word of escaped(sentence).split(" ")) {
      const last = lines.at(-1) ?? "";
      if (last === "") lines[lines.length - 1] = word;
      else if (last.length + 1 + word.length <= LINE_MAX) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word.replace(/^\./, "\\&."));
    }
    return lines;
  });
}

/** Text without anything that man(7) would read as a request or an escape. */
function escaped(text: string): string {
  return text
    .trim()
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("…", "...")
    .replace(/^\./, "\\&.");
}
