import * as v from "valibot";

/** What valibot says of a value that does not fit. */
export type Issue = v.BaseIssue<unknown>;

/** "expected WHAT; found THAT". */
export function expected(what: string): (issue: Issue) => string {
  return ({ input }) => `expected ${what}; found ${seenText(input)}`;
}

/** A value of a configuration as a fault shows it. */
export function seenText(input: unknown): string {
  if (input === undefined) return "nothing";
  if (typeof input === "string")
    return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}...` : input);
  if (typeof input !== "object") return String(input);
  if (Array.isArray(input)) return "an array";
  return input instanceof Date ? "a date or time" : "a table";
}

export type TextSchema = v.GenericSchema<string, string>;

/** Text that is not empty, and holds no NUL. */
export function text(what: string): TextSchema {
  const wrong = expected(what);
  const noNul = v.check<string, string>((value) => !value.includes("\0"), "holds a NUL character");
  return v.pipe(v.string(wrong), v.nonEmpty(wrong), noNul);
}

/** The path of something, which need not be given. */
export function path(what: string): v.ExactOptionalSchema<TextSchema, undefined> {
  return v.exactOptional(text(`the path of ${what}`));
}
