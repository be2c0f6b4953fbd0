import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import { allCommands } from "../../src/cli/command-tree.ts";
import { addAllCommands } from "../support/all-commands.ts";
import { runCli } from "../support/cli.ts";

const BACKSPACE = String.fromCharCode(8);

let shown: string;
beforeAll(async () => {
  const { stdout } = await promisify(execFile)("mandoc", ["-T", "utf8", "-O", "width=200", "dist/mayday.1"]);
  // Bold is a character, a backspace, and the same character.
  shown = stdout.replaceAll(new RegExp(`.${BACKSPACE}`, "gu"), "").replace(/\s+/g, " ");
});

describe("the manual page", () => {
  it("is what the command prints", async () => {
    const { code, stdout } = await runCli(["manual"]);
    expect(code).toBe(0);
    expect(stdout).toBe(await readFile("dist/mayday.1", "utf8"));
  });

  it("is written as mandoc likes it", async () => {
    // The package has a version, and no date: what is built twice is the same.
    const { stdout } = await promisify(execFile)("mandoc", ["-T", "lint", "dist/mayday.1"]).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(stdout.split("\n").filter((line) => line !== "" && !/missing date/.test(line))).toEqual([]);
  });

  it("has every command, with each of its flags and what the flag does", () => {
    const commands = allCommands(addAllCommands(new Command("mayday"))).slice(1);
    expect(commands.length).toBeGreaterThan(25);
    for (const { path, command } of commands) {
      expect(shown).toContain(`mayday ${path}`);
      for (const { flags, description } of command.options) {
        expect(shown, path).toContain(flags);
        expect(shown, path).toContain(description.replace(/\s+/g, " ").replaceAll("…", "..."));
      }
    }
  });

  it("has examples, exit codes, and the forms of links", () => {
    for (const text of [
      "mayday rescue --link",
      "3 no neighbour or timeout",
      "'i2c:/dev/i2c-1?address=0x42'",
      "Exit codes besides 0, 1, 2 and 130",
      "NO_COLOR=1",
    ])
      expect(shown).toContain(text);
  });
});
