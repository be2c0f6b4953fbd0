import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { allCommands, type NamedCommand } from "./command-tree.ts";
import { addCommand } from "./help.ts";
import { onRun } from "./run.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** What may stand behind a command. */
interface Completed {
  /** "image build"; "" for the program itself. */
  readonly path: string;
  /** Commands within it, and its flags. */
  readonly words: readonly string[];
  /** Flags with a value that is one of a few. */
  readonly choices: readonly (readonly [flag: string, values: readonly string[]])[];
}

/** Registers `mayday completion`. `everything` gives a program with all commands. */
export function addCompletionCommand(program: Command, everything: () => Promise<Command>): void {
  const command = addCommand(program, "completion", {
    does:
      "Prints what a shell needs to complete mayday's commands and flags with the Tab key. Put it where the shell looks, or " +
      "read it at each start.",
    examples: [
      "mayday completion bash > ~/.local/share/bash-completion/completions/mayday",
      "mayday completion zsh > ~/.zfunc/_mayday",
      "mayday completion fish > ~/.config/fish/completions/mayday.fish",
    ],
  });
  command.argument("<shell>", `one of ${SHELLS.join(", ")}`);
  onRun(command, async ({ output }, [name]) => {
    const shell = SHELLS.find((known) => known === name);
    if (shell === undefined) {
      throw new UsageError(
        "bad-shell",
        `"${name}" is not a shell known here: give one of ${SHELLS.join(", ")}`,
      );
    }
    const script = scriptFor(shell, allCommands(await everything()).map(completedOf));
    output.result(script.trimEnd(), { event: "completion", shell, script });
    return undefined;
  });
}

function completedOf({ path, command }: NamedCommand): Completed {
  const flags = command.options.flatMap(({ long }) => long ?? []);
  const names = command.commands.map((sub) => sub.name());
  const choices = command.options.flatMap(({ long, argChoices }): [string, readonly string[]][] =>
    long == null || argChoices === undefined ? [] : [[long, argChoices]],
  );
  return { path, words: [...names, ...flags, "--help"], choices };
}

function scriptFor(shell: (typeof SHELLS)[number], all: readonly Completed[]): string {
  if (shell === "fish") return fishScript(all);
  const script = bashScript(all);
  return shell === "bash"
    ? script
    : `#compdef mayday\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

/** Words before the cursor name the command; values of flags without choices are paths. */
function bashScript(all: readonly Completed[]): string {
  const cases = all.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  const values = all.flatMap(({ path, choices }) =>
    choices.map(([flag, list]) => `    "${path} ${flag}") words="${list.join(" ")}" ;;`),
  );
  // "<words so far> <next word>" of each command.
  const steps = all.flatMap(({ path }) =>
    path === "" ? [] : [path.includes(" ") ? `"${path}"` : `" ${path}"`],
  );
  return `_mayday() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${steps.join(" | ")}) path="\${path:+$path }$word" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  if [[ $before == --* && $cur != -* ]]; then
    words=""
    case "$path $before" in
${values.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _mayday mayday
`;
}

function fishScript(all: readonly Completed[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const names = path.split(" ").filter((name) => name !== "");
    const condition =
      names.length === 0
        ? "__fish_use_subcommand"
        : names.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
    return words.map((word) =>
      word.startsWith("--")
        ? `complete -c mayday -n "${condition}" -l ${word.slice(2)}`
        : `complete -c mayday -n "${condition}" -a ${word}`,
    );
  });
  return `${lines.join("\n")}\n`;
}
