import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { RECOVERY_SIZE_DEFAULT, WRITE_SIZE_DEFAULT } from "../../src/flash/geometry.ts";
import { COUNTER_STEP_MAX } from "../../src/image/manifest.ts";
import { addAllCommands } from "../support/all-commands.ts";
import { runCli, verdictOf } from "../support/cli.ts";

const COMMANDS = [
  "demo",
  "keygen",
  "image build",
  "image inspect",
  "image verify",
  "repo add",
  "repo list",
  "repo remove",
  "repo verify",
  "board init",
  "board install",
  "board boot",
  "board status",
  "board confirm",
  "board trust",
  "board read",
  "board damage",
  "board torture",
  "distress",
  "rescue",
  "node",
  "dispatch",
  "status",
  "ports",
  "cable",
  "collect",
  "fleet status",
  "fleet offer",
  "fleet stop",
  "sim",
  "completion",
  "manual",
];
/** Commands and flags of later versions, which must not be accepted before they work. */
const LATER = [["linktest", "--link", "tcp:h:1", "--quiet"]];

/** The commands of a program, without the groups. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/** The help of a command, without starting a process. */
async function helpOf(command: string): Promise<string> {
  let text = "";
  const program = new Command("mayday").exitOverride().configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  addAllCommands(program);
  await program.parseAsync([...command.split(" "), "--help"], { from: "user" }).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.includes("outputHelp")) throw error;
  });
  return text;
}

describe("help", () => {
  test("lists exactly the commands that exist", async () => {
    const { code, stdout } = await runCli(["--help"]);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name]) => name);
    const names = new Set(COMMANDS.map((command) => command.split(" ")[0]));
    expect(code).toBe(0);
    expect(listed).toEqual([...names, "help"]);
  });

  test.each(COMMANDS)(
    "of %s says what the command does, with an example and its exit codes",
    async (command) => {
      const text = await helpOf(command);
      expect(text).toContain(`Usage: mayday ${command}`);
      expect(text).toMatch(/\n\n[A-Z][^\n]+/);
      expect(text).toContain(`$ mayday ${command}`);
      expect(text).toMatch(/Exit codes:\n {2}0 done\n {2}1 failed\n {2}2 usage error\n/);
      expect(text).toContain("--json");
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
    },
  );

  test("shows each default in the unit in which its flag is given", () => {
    const options = leaves(addAllCommands(new Command("mayday"))).flatMap((command) =>
      command.options.map((option) => ({ command, option, flag: `${command.name()} ${option.long}` })),
    );
    expect(options.length).toBeGreaterThan(60);
    const withDefault = options.filter(({ option }) => option.defaultValue !== undefined);
    expect(withDefault.map(({ flag }) => flag)).toEqual(
      expect.arrayContaining(["status --timeout", "init --sector", "build --counter"]),
    );
    for (const { command, option, flag } of withDefault) {
      const shown = option.defaultValueDescription ?? JSON.stringify(option.defaultValue);
      expect(command.helpInformation().replace(/\s+/g, " "), flag).toContain(`default: ${shown})`);
      // Typed as a value, what help shows must give the default.
      const typed = shown.replace(/^"(.*)"$/, "$1");
      expect(option.parseArg?.(typed, undefined) ?? typed, flag).toEqual(option.defaultValue);
    }
    // Defaults that only a description names must be those of the code.
    const named = options.flatMap(({ option, flag }) => {
      const [, value] = /(\S*\d\S*) unless given/.exec(option.description) ?? [];
      return value === undefined ? [] : [[flag, option.parseArg?.(value, undefined)]];
    });
    expect(named).toEqual([
      ["init --recovery-size", RECOVERY_SIZE_DEFAULT],
      ["init --write-size", WRITE_SIZE_DEFAULT],
      ["init --erased", 0xff],
      ["trust --max-step", COUNTER_STEP_MAX],
      ["torture --every", 10],
    ]);
  });

  test("is shown by --help and by the help command, both with exit 0", async () => {
    const [flag, command] = [await runCli(["board", "--help"]), await runCli(["help", "board"])];
    expect(flag).toMatchObject({ code: 0, stderr: "" });
    expect(command.stdout).toBe(flag.stdout);
  });

  test("that cannot be written, because a pipe is closed or a disk is full, ends without a stack trace", async () => {
    const script = `"${process.execPath}" dist/cli/main.js image build --help >/dev/full`;
    const { stderr } = await promisify(execFile)("bash", ["-c", script]);
    expect(stderr).toBe("");
  });

  test("shows the package's version with --version", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe("a wrong command line", () => {
  test.each([
    [[], "mayday --help"],
    [["bord"], "did you mean mayday board"],
    [["board"], "mayday board --help"],
    [["board", "frobnicate"], "mayday board --help"],
    [["keygen"], "mayday keygen --help"],
    [["keygen", "--out"], "mayday keygen --help"],
    [["keygen", "--out", "x", "--frob"], "mayday keygen --help"],
    [["image", "inspect"], "mayday image inspect --help"],
    [["image", "inspect", "a", "b"], "mayday image inspect --help"],
    [["board", "init", "b", "--layout", "abc"], "Allowed choices are single, ab"],
  ])("exits with 2 and says which help to read: %j", async (args, text) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  test.each(LATER)("exits with 2 for commands and flags of later versions: %s %s %s %s", async (...args) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown (command|option)|too many arguments/);
  });

  test("has a verdict with --json that names the mistake", async () => {
    const result = await runCli(["keygen", "--json", "--out"]);
    expect(result.code).toBe(2);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2, reason: "option-missing-argument" });
  });
});
