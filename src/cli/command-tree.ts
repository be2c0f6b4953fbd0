import type { Command } from "commander";

/** A command of the program, by its words. */
export interface NamedCommand {
  /** "image build"; "" for the program itself. */
  readonly path: string;
  readonly command: Command;
}

/** A program and all commands within it, each group before what it holds. */
export function allCommands(command: Command, words: readonly string[] = []): NamedCommand[] {
  const within = command.commands.flatMap((sub) => allCommands(sub, [...words, sub.name()]));
  return [{ path: words.join(" "), command }, ...within];
}
