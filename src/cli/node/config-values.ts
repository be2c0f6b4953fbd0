import * as v from "valibot";
import { UsageError } from "../../base/errors.ts";
import { shownUrl } from "../../base/shown-url.ts";
import type { Millis } from "../../base/units.ts";

/*
 * Kinds of values in a node's configuration, with what is said where one does not fit.
 */

/** Longest time in a configuration: timers hold 31 bits of milliseconds, 24.8 days. */
export const DURATION_MAX_MS: Millis = 23 * 86_400_000;
/** A program and its arguments. */
export type Words = readonly [program: string, ...args: string[]];

/** What valibot found. */
export type Issue = v.BaseIssue<unknown>;
const UNITS: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const A_DURATION = 'a whole number with its unit, such as "500ms", "90s", "10m", "1h" or "2d"';
const WORDS = 'an array of words, the program first, such as ["./hook", "argument"]';

/** A schema of one value of a configuration. */
export type ValueSchema<Value> = v.GenericSchema<unknown, Value>;

/** Text that is not empty. */
export function textValue(what: string): ValueSchema<string> {
  const wrong = expected(what);
  const noNul = v.check<string, string>((value) => !value.includes("\0"), "holds a NUL character");
  return v.pipe(v.string(wrong), v.nonEmpty(wrong), noNul);
}

export function pathValue(what: string): ValueSchema<string> {
  return textValue(`the path of ${what}`);
}

/** The path of something, which need not be given. */
export function optionalPath(what: string): v.ExactOptionalSchema<ValueSchema<string>, undefined> {
  return v.exactOptional(pathValue(what));
}

export function listValue<Value>(one: ValueSchema<Value>, max: number): ValueSchema<Value[]> {
  return v.pipe(v.array(one, expected("a list in brackets")), v.maxLength(max, `more than ${max} entries`));
}

export function choiceValue<const Choice extends string>(...choices: readonly Choice[]): ValueSchema<Choice> {
  return v.picklist(choices, expected(choices.map((one) => `"${one}"`).join(" or ")));
}

/** A program and its arguments. */
export function wordsValue(): ValueSchema<Words> {
  const argument = v.pipe(
    v.string(expected("a word in quotes")),
    v.check((word) => !word.includes("\0"), "holds a NUL character"),
  );
  return v.tupleWithRest([textValue("a program as the first word")], argument, expected(WORDS));
}

export function flagValue(): ValueSchema<boolean> {
  return v.boolean(expected("true or false"));
}

export function countValue(min: number, max: number): ValueSchema<number> {
  const wrong = expected(`a whole number from ${min} to ${max}`);
  return v.pipe(v.number(wrong), v.integer(wrong), v.minValue(min, wrong), v.maxValue(max, wrong));
}

/** A time with its unit. */
export function durationValue(): ValueSchema<Millis> {
  return v.pipe(
    v.string(wrongDuration),
    v.check((value) => parseDuration(value) !== undefined, wrongDuration),
    v.transform((value) => parseDuration(value) ?? 0),
  );
}

/** Text that `parse` makes a value of; what its UsageErrors say is what is wrong. */
export function parsedValue<Value>(what: string, parse: (text: string) => Value): ValueSchema<Value> {
  return v.pipe(
    textValue(what),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

/** "90s" in milliseconds; undefined if it has no unit, is no whole number, or is above {@link DURATION_MAX_MS}. */
export function parseDuration(value: string): Millis | undefined {
  const [, digits, unit = ""] = /^(\d{1,10})(ms|s|m|h|d)$/.exec(value) ?? [];
  const millis = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return millis <= DURATION_MAX_MS ? millis : undefined;
}

function wrongDuration({ input }: Issue): string {
  if (/^\d+(?:\.\d+)?$/.test(String(input))) {
    return `expected a time with its unit, such as "${String(input)}s" for seconds; found ${seenText(input)}, which has no unit`;
  }
  return `expected ${A_DURATION}, at most "23d"; found ${seenText(input)}`;
}

/** What is said of a value that is something else. */
export function expected(what: string): (issue: Issue) => string {
  return ({ input }) => `expected ${what}; found ${seenText(input)}`;
}

function seenText(input: unknown): string {
  if (input === undefined) return "nothing";
  if (typeof input === "string") {
    const shown = /:\/\/|@/.test(input) ? shownUrl(input) : input;
    return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}...` : shown);
  }
  if (typeof input !== "object") return String(input);
  if (Array.isArray(input)) return "an array";
  return input instanceof Date ? "a date or time" : "a table";
}
