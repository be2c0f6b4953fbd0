import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { addAllCommands } from "../support/all-commands.ts";
import { processesWith } from "../support/processes.ts";

const README = readFileSync("README.md", "utf8");
/** The shell blocks of a section, in their order. */
function shellBlocks(heading: string): string[] {
  const [, section = ""] = new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## )`, "m").exec(README) ?? [];
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
}

const dir = mkdtempSync(join(tmpdir(), "mayday-readme-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("the section By hand of README.md", () => {
  const blocks = shellBlocks("By hand");

  test("heals a board when its first two blocks are pasted into a shell, and leaves no process running", async () => {
    expect(blocks.length).toBeGreaterThan(5);
    // As written, except for the paths of the ports; dist/ was built before the tests.
    const script = blocks.slice(0, 2).join("\n").replaceAll("/tmp/", `${dir}/port-`);
    expect(script).toContain("mayday cable");
    symlinkSync(resolve("dist"), join(dir, "dist"));
    writeFileSync(join(dir, "script.sh"), `shopt -s expand_aliases\n${script}`);
    const { stdout, stderr } = await promisify(execFile)("bash", ["script.sh"], {
      cwd: dir,
      env: { ...process.env, NO_COLOR: "1" },
      timeout: 60_000,
    });
    expect(stdout.match(/^healed [0-9a-f]{8}: /gm)).toHaveLength(2);
    expect(stdout).toMatch(/^recovery hash$/m);
    expect(stdout).toMatch(/^boot slot 0 version 1\.4\.0$/m);
    expect(stderr).not.toMatch(/no such|not found|usage/i);
    const [made, copied] = ["fw.bin", "copy.bin"].map((name) => readFileSync(join(dir, name)));
    expect(made).toHaveLength(200_000);
    expect(copied?.equals(made ?? Buffer.alloc(0))).toBe(true);
    await expect.poll(() => processesWith(dir)).toEqual([]);
  }, 90_000);

  test("has only existing commands and flags, with valid values", () => {
    const lines = blocks.flatMap((block) => block.split("\n")).filter((line) => line.startsWith("mayday "));
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      const words = wordsOf(line.replace(/ +#.*$/, "").replace(/ +&&.*$| &$/, ""));
      const { command, rest } = find(addAllCommands(new Command("mayday")), words.slice(1));
      const { operands, unknown } = command.parseOptions(rest);
      expect({ line, unknown }).toEqual({ line, unknown: [] });
      expect(operands.length, line).toBe(command.registeredArguments.length);
      const given = command.opts();
      const missing = command.options.filter(
        (option) => option.mandatory && given[option.attributeName()] === undefined,
      );
      expect(missing.map(({ long }) => `${line}: ${long}`)).toEqual([]);
    }
  });

  test("does not use npx, which takes a second per command and leaves its children running when it is killed", () => {
    expect(README).not.toContain("npx mayday");
  });
});

/** The words of a shell line, without quotes. */
function wordsOf(line: string): string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

/** The command that `words` name, and the words after its name. */
function find(program: Command, words: readonly string[]): { command: Command; rest: string[] } {
  const [name = "", ...rest] = words;
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined) return { command: program, rest: [...words] };
  return find(command, rest);
}
