import { describe, expect, it } from "vitest";
import { splitWords } from "../../src/cli/words.ts";

const split = (text: string): string[] => [...splitWords(text, "--on-healed")];

describe("the words of a command", () => {
  it.each<[string, string[]]>([
    ["logger healed", ["logger", "healed"]],
    ["  a\t b  ", ["a", "b"]],
    ["sh -c 'echo \"$MAYDAY_PEER\" > x'", ["sh", "-c", 'echo "$MAYDAY_PEER" > x']],
    ['a "b c" d', ["a", "b c", "d"]],
    ["a 'b'\"c\"d", ["a", "bcd"]],
    ["a '' \"\"", ["a", "", ""]],
    ["a\\ b c", ["a b", "c"]],
    ['a "\\"b\\\\" "\\n"', ["a", '"b\\', "\\n"]],
    ["a '\\'", ["a", "\\"]],
    ["a $HOME ~ *.c `b` #c", ["a", "$HOME", "~", "*.c", "`b`", "#c"]],
  ])("are those of a POSIX shell without expansion: %s", (text, words) => {
    expect(split(text)).toEqual(words);
  });

  it.each(["a 'b", 'a "b', "a \\"])("are refused where a quote is left open: %s", (text) => {
    expect(() => split(text)).toThrow(expect.objectContaining({ code: "command-quotes", exitCode: 2 }));
  });

  it.each(["", "  ", "'' a"])("are refused without a program: %j", (text) => {
    expect(() => split(text)).toThrow(expect.objectContaining({ code: "command-empty", exitCode: 2 }));
  });
});
