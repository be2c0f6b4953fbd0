import type { Command, Option } from "commander";
import { nearestName } from "./nearest-name.ts";
import { COMMAND_SYNONYMS, FLAG_SYNONYMS } from "./synonyms.ts";

const HELP_FLAGS: readonly string[] = ["--help", "-h"];

/** What is wrong with a command line, and what was probably meant. */
export interface Mistake {
  /** Of the verdict. */
  readonly reason: string;
  readonly text: string;
}

/** The command that was probably meant by a word that is none; undefined when none is near. */
export function commandMeant(word: string, parent: Command): string | undefined {
  const prefix = parent.parent === null ? "" : `${parent.name()} `;
  const names = parent.commands.map((command) => command.name());
  const synonym = COMMAND_SYNONYMS.get(word.toLowerCase())?.[0];
  // Within a group, the word of another tool may stand for one of its commands: `image sign`.
  const within = synonym?.startsWith(prefix) === true ? synonym.slice(prefix.length) : undefined;
  if (within !== undefined && (parent.parent === null || names.includes(within))) return within;
  return nearestName(word, names);
}

/** The flag that was probably meant by one that the command does not have, as it is written; undefined when none is near. */
function flagMeant(flag: string, options: readonly Option[]): string | undefined {
  const name = flag.replace(/^-+/, "");
  const known = options.flatMap(({ long }) => long?.replace(/^--/, "") ?? []);
  const meant =
    (FLAG_SYNONYMS.get(name) ?? []).find((other) => known.includes(other)) ?? nearestName(name, known);
  return options.find(({ long }) => meant !== undefined && long === `--${meant}`)?.flags;
}

/** A rate is a part of the endpoint, but for commands that take one. */
function isRate(flag: string): boolean {
  const name = flag.replace(/^-+/, "");
  return name === "baud" || (FLAG_SYNONYMS.get(name) ?? []).includes("baud");
}

/**
 * What is wrong with the words behind a command's name: a flag that it does not have comes first, then a word that belongs
 * behind a flag, then all flags that are missing. Undefined when nothing of this is wrong.
 */
export function mistakeIn(command: Command, words: readonly string[]): Mistake | undefined {
  const { given, operands, strange } = sorted(words, command.options);
  if (strange !== undefined) return strangeFlag(strange, command.options);
  const wanted = command.registeredArguments;
  const missing = command.options.filter(({ mandatory, long }) => mandatory && !given.has(long ?? ""));
  const extra = wanted.some(({ variadic }) => variadic) ? undefined : operands[wanted.length];
  if (extra !== undefined) {
    const flag = missing[0]?.long;
    const hint = flag == null ? "words with spaces need quotes" : `did you mean ${flag} ${extra}?`;
    return { reason: "excess-arguments", text: `"${extra}" is one word too many; ${hint}` };
  }
  const absent = wanted.slice(operands.length).filter(({ required }) => required);
  const names = [...absent.map((argument) => `<${argument.name()}>`), ...missing.map(({ flags }) => flags)];
  if (names.length === 0) return undefined;
  const reason = missing.length > 0 ? "missing-mandatory-option-value" : "missing-argument";
  return {
    reason,
    text: names.length === 1 ? `${names[0]} is missing` : `these are missing: ${names.join(", ")}`,
  };
}

/** A flag that stands where the value of another one is missing: `--out --json`. */
export function swallowedFlag(command: Command, words: readonly string[]): Mistake | undefined {
  const named = (word: string | undefined): Option | undefined =>
    command.options.find(({ long, short }) => word !== undefined && (word === long || word === short));
  const end = words.indexOf("--");
  for (const [at, word] of words.slice(0, end < 0 ? undefined : end).entries()) {
    const option = named(word);
    const next = named(words[at + 1]);
    if (option?.required !== true || next === undefined) continue;
    return {
      reason: "option-missing-argument",
      text: `${option.flags} has no value: ${words[at + 1]} is a flag`,
    };
  }
  return undefined;
}

/** Words by what they are: flags that the command has, words of their own, and the first flag that it does not have. */
function sorted(
  words: readonly string[],
  options: readonly Option[],
): {
  readonly given: ReadonlySet<string>;
  readonly operands: readonly string[];
  readonly strange: string | undefined;
} {
  const given = new Set<string>();
  const operands: string[] = [];
  let strange: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return { given, operands: [...operands, ...words.slice(at + 1)], strange };
    const [name = "", value] = word.split("=", 2);
    const option = options.find(({ long, short }) => name === long || name === short);
    if (option !== undefined) {
      given.add(option.long ?? "");
      if (option.required && value === undefined) at++;
    } else if (!/^-./.test(word)) operands.push(word);
    else if (!HELP_FLAGS.includes(name)) strange ??= word;
  }
  return { given, operands, strange };
}

function strangeFlag(strange: string, options: readonly Option[]): Mistake {
  const name = strange.replace(/=.*$/s, "");
  const meant = flagMeant(name, options);
  const takesLink = options.some(({ long }) => long === "--link");
  const hint =
    meant === undefined && takesLink && isRate(name)
      ? "; the rate is part of the link: --link 'serial:PORT?baud=N'"
      : meant && `; did you mean ${meant}?`;
  return { reason: "unknown-option", text: `unknown option '${name}'${hint ?? ""}` };
}
