import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commandMeant, mistakeIn, swallowedFlag } from "../../src/cli/mistakes.ts";
import { addAllCommands } from "../support/all-commands.ts";
import { runCli, verdictOf } from "../support/cli.ts";

const program = addAllCommands(new Command("mayday"));

function find(path: string): Command {
  return path.split(" ").reduce<Command>((parent, name) => {
    const found = parent.commands.find((command) => command.name() === name);
    if (found === undefined) throw new Error(`there is no ${path}`);
    return found;
  }, program);
}

describe("a word that is no command", () => {
  test.each([
    ["heal", "rescue"],
    ["flash", "rescue"],
    ["Upload", "rescue"],
    ["resuce", "rescue"],
    ["distres", "distress"],
    ["update", "dispatch"],
    ["scan", "ports"],
    ["port", "ports"],
    ["genkey", "keygen"],
    ["sign", "image build"],
    ["init", "board init"],
    ["version", "--version"],
    ["-v", "--version"],
  ])("that people use for one leads to it: %s", (word, meant) => {
    expect(commandMeant(word, program)).toBe(meant);
  });

  test("within a group leads to a command of the group only", () => {
    expect(commandMeant("sign", find("image"))).toBe("build");
    expect(commandMeant("bulid", find("image"))).toBe("build");
    expect(commandMeant("flash", find("image"))).toBeUndefined();
  });

  test("that means nothing leads nowhere", () => {
    expect(commandMeant("xyzzy", program)).toBeUndefined();
    expect(commandMeant("", program)).toBeUndefined();
    expect(commandMeant("__proto__", program)).toBeUndefined();
    expect(commandMeant("constructor", program)).toBeUndefined();
  });
});

describe("a wrong flag is named, with the one that was meant, before flags that are missing", () => {
  test.each([
    ["rescue", "--lnk /dev/x", "unknown option '--lnk'; did you mean --link <endpoint>?"],
    ["rescue", "--port=/dev/x", "unknown option '--port'; did you mean --link <endpoint>?"],
    ["rescue", "-p /dev/x", "unknown option '-p'; did you mean --link <endpoint>?"],
    ["rescue", "--link x --firmware f", "unknown option '--firmware'; did you mean --image <file>?"],
    ["rescue", "--link x --timout 3", "unknown option '--timout'; did you mean --timeout <seconds>?"],
    ["image build", "--input f", "unknown option '--input'; did you mean --in <file>?"],
    ["image build", "--in f -o x", "unknown option '-o'; did you mean --out <file>?"],
    ["board init", "b --hw a/b", "unknown option '--hw'; did you mean --hardware <id>?"],
    ["repo add", "f --dir images", "unknown option '--dir'; did you mean --repo <dir>?"],
    ["status", "--zzz", "unknown option '--zzz'"],
    ["status", "--__proto__", "unknown option '--__proto__'"],
  ])("%s %s", (path, words, text) => {
    expect(mistakeIn(find(path), words.split(" "))).toEqual({ reason: "unknown-option", text });
  });

  test("a rate is a part of the link, but for commands that take one", () => {
    const told = mistakeIn(find("distress"), ["--link", "/dev/x", "--baud", "9600"])?.text;
    expect(told).toBe("unknown option '--baud'; the rate is part of the link: --link 'serial:PORT?baud=N'");
    expect(mistakeIn(find("cable"), ["--a", "x", "--b", "y", "--speed", "9600"])?.text).toContain(
      "--baud <n>",
    );
  });
});

describe("what is missing is named all at once", () => {
  test("flags", () => {
    expect(mistakeIn(find("image build"), ["--in", "f"])).toEqual({
      reason: "missing-mandatory-option-value",
      text: "these are missing: --hardware <id>, --version <version>, --out <file>",
    });
    expect(mistakeIn(find("rescue"), [])?.text).toBe("--link <endpoint> is missing");
  });

  test("arguments and flags", () => {
    expect(mistakeIn(find("board init"), [])?.text).toMatch(/^these are missing: <dir>, --hardware <id>, /);
  });

  test("and nothing that is there in any way of writing it", () => {
    const words = ["--in=f", "--hardware", "--odd", "--version", "1.0.0", "--out", "x.mdy", "--json"];
    expect(mistakeIn(find("image build"), words)).toBeUndefined();
    expect(mistakeIn(find("image inspect"), ["--", "--odd.mdy"])).toBeUndefined();
  });
});

describe("a flag where a value is missing", () => {
  test("is not taken for the value", () => {
    expect(swallowedFlag(find("keygen"), ["--out", "--json"])).toEqual({
      reason: "option-missing-argument",
      text: "--out <base> has no value: --json is a flag",
    });
    expect(swallowedFlag(find("keygen"), ["--out", "k", "--json"])).toBeUndefined();
    expect(swallowedFlag(find("keygen"), ["--out", "--odd"])).toBeUndefined();
    expect(swallowedFlag(find("image inspect"), ["--", "--json"])).toBeUndefined();
  });
});

describe("a word too many", () => {
  test("is offered to the flag that is missing", () => {
    expect(mistakeIn(find("image build"), ["fw.bin"])?.text).toBe(
      '"fw.bin" is one word too many; did you mean --in fw.bin?',
    );
  });

  test("is named where nothing is missing", () => {
    expect(mistakeIn(find("image inspect"), ["a", "b"])?.text).toContain('"b" is one word too many');
  });
});

describe("the program", () => {
  test.each([
    [["--json", "rescue"], "unknown-option", "flags stand behind the command: mayday rescue --json"],
    [["board", "--json", "init"], "unknown-option", "mayday board init --json"],
    [["heal", "--json"], "unknown-command", "did you mean mayday rescue?"],
    [["image", "sign", "--json"], "unknown-command", "did you mean mayday image build?"],
    [["rescue", "--prot", "/dev/x", "--json"], "unknown-option", "unknown option '--prot'"],
    [["image", "build", "fw.bin", "--json"], "excess-arguments", "did you mean --in fw.bin?"],
    [["image", "build", "--json"], "missing-mandatory-option-value", "--version <version>, --out <file>"],
  ])("says so and exits with 2: %j", async (words, reason, text) => {
    const result = await runCli(words);
    expect(result).toMatchObject({ code: 2, events: [expect.anything()] });
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2, reason });
    expect(result.stderr).toContain(text);
  });
});
