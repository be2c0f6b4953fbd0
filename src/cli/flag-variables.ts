import type { EventEmitter } from "node:events";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { assert } from "../base/assert.ts";
import { UsageError } from "../base/errors.ts";
import { splitWords } from "./words.ts";

/** "MAYDAY_LINK_KEY" for "link-key". */
function variableOf(name: string): string {
  return `MAYDAY_${name.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Lets variables `MAYDAY_NAME` stand for flags of a command, for services: a flag that is given wins. An empty variable is one
 * that is not set. Those of `lists`, which may be repeated, take several words with the quotes of a shell; a flag without a value
 * takes `true` or `false`. `instead` names the flag that takes the place of another one. Call it after the flags were added. At the command's start: UsageError of the flag's parser,
 * `variable-boolean`, and of `splitWords`, each with the name of the variable.
 */
export function addFlagVariables(
  command: Command,
  names: readonly string[],
  lists: readonly string[] = [],
  instead: Readonly<Record<string, string>> = {},
): void {
  for (const name of [...lists, ...names]) {
    const option = command.options.find(({ long }) => long === `--${name}`);
    assert(option !== undefined, `a flag --${name}`);
    const variable = variableOf(name);
    option.env(variable);
    const event = `optionEnv:${option.name()}`;
    // Commander's own listener takes the whole text as one value, and any text as yes. Its types hide that it is an emitter.
    const emitter = command as unknown as EventEmitter;
    emitter.removeAllListeners(event).on(event, () => {
      const text = process.env[variable] ?? "";
      if (text === "" || command.getOptionValueSource(instead[name] ?? "") === "cli") return;
      const value = flagValue(option, variable, text, lists.includes(name));
      command.setOptionValueWithSource(option.attributeName(), value, "env");
    });
  }
}

function flagValue(option: Option, variable: string, text: string, isList: boolean): unknown {
  try {
    if (option.isBoolean()) return booleanOf(text);
    let value: unknown;
    for (const word of isList ? splitWords(text, "it") : [text])
      value = option.parseArg === undefined ? word : option.parseArg(word, value);
    return value;
  } catch (error) {
    if (error instanceof InvalidArgumentError)
      throw new UsageError(
        "invalid-argument",
        `${variable}: "${text}": ${error.message}`,
        { variable },
        error,
      );
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.code, `${variable}: ${error.message}`, { ...error.details, variable }, error);
  }
}

function booleanOf(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new UsageError("variable-boolean", `"${text}" is neither true nor false`, { text });
}
