import { UsageError } from "../../base/errors.ts";
import { foreignOnWay } from "../../files/own-way.ts";
import { programPaths } from "../../files/program-path.ts";
import { rightsText } from "../../files/rights.ts";

/** A program that a user has set to be run, and the setting's name for messages. */
export interface HookProgram {
  readonly name: string;
  readonly words: readonly [program: string, ...args: string[]];
}

/** What a shell would act on: as a word of its own it is more likely a mistake than an argument. */
const SHELL_WORDS = /^(?:[|&;<>]+|\d?>.*)$|\$\{?[A-Za-z_]/;

/**
 * Checks at the start what a setting names: words that are passed on as they are, the first one a program by its path or
 * in PATH. UsageError `command-empty`, `command-zero-byte`, `command-missing`. Warns when the words look like a shell's,
 * and when others may change the program.
 */
export function checkedHook(
  name: string,
  [program = "", ...args]: readonly string[],
  warn: (text: string) => void,
): HookProgram {
  if (program === "") throw new UsageError("command-empty", `${name} names no program`, { name });
  if ([program, ...args].some((word) => word.includes("\0"))) {
    const message = `${name}: a word with a zero byte, which no program can get; take it out`;
    throw new UsageError("command-zero-byte", message, { name });
  }
  const path = requireProgram(name, program);
  const odd = args.find((word) => SHELL_WORDS.test(word));
  if (odd !== undefined && !isShell(program))
    warn(`${name} runs without a shell: ${odd} is passed on as it is; for a shell: sh -c '...'`);
  warnOfOthers(name, path, warn);
  return { name, words: [program, ...args] };
}

/** Where the program is. UsageError `command-missing` unless it can be run. */
function requireProgram(name: string, program: string): string {
  const [path] = programPaths(program);
  if (path !== undefined) return path;
  const where = program.includes("/") ? "" : " in PATH";
  const message = `${name}: no program ${program}${where}; the first word is a program, for shell commands: sh -c '...'`;
  throw new UsageError("command-missing", message, { program });
}

/** A warning and no refusal: the user has chosen this program, and may trust who can change it. */
function warnOfOthers(name: string, path: string, warn: (text: string) => void): void {
  const foreign = foreignOnWay(path);
  if (foreign === undefined) return;
  const { at, rights } = foreign;
  const fix = `chmod go-w ${at}, or keep the program in a folder of your own`;
  warn(
    `${name}: other users may change ${at} (${rightsText(rights)}), and so what ${path} does; fix: ${fix}`,
  );
}

function isShell(program: string): boolean {
  return /(?:^|\/)(?:ba|da|z|k|a)?sh$/.test(program);
}
