import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";

let bash: string;
beforeAll(async () => {
  const { code, stdout } = await runCli(["completion", "bash"]);
  expect(code).toBe(0);
  bash = stdout;
});

/** What bash offers for the last word of a command line. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${bash}
COMP_WORDS=(mayday ${quoted}); COMP_CWORD=${words.length}; _mayday
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers commands, those of a group, and flags", async () => {
    expect(await offered("re")).toEqual(["repo", "rescue"]);
    expect(await offered("image", "")).toEqual(expect.arrayContaining(["build", "inspect", "verify"]));
    expect(await offered("image", "build", "--ha")).toEqual(["--hardware", "--hardware-rev"]);
    expect(await offered("rescue", "--link", "/dev/ttyUSB0", "--on")).toEqual(["--once", "--on-healed"]);
  });

  it("offers the values of a flag that takes one of a few, and leaves others to the shell", async () => {
    expect(await offered("rescue", "--reset", "")).toEqual(expect.arrayContaining(["dtr", "rts"]));
    expect(await offered("rescue", "--image", "")).toEqual([]);
  });

  it("offers nothing for a command that is none", async () => {
    expect(await offered("frobnicate", "x")).toEqual([]);
  });
});

describe("the completion command", () => {
  it("prints a script that bash can read as it is, for zsh too", async () => {
    const { stdout } = await runCli(["completion", "zsh"]);
    for (const script of [bash, stdout]) execFileSync("bash", ["-n", "-c", script]);
    expect(stdout).toMatch(/^#compdef mayday\n/);
  });

  it("prints a line for each command and flag for fish", async () => {
    const { stdout } = await runCli(["completion", "fish"]);
    expect(stdout).toContain('complete -c mayday -n "__fish_use_subcommand" -a rescue\n');
    expect(stdout).toContain("complete -c mayday -n");
    expect(stdout.split("\n").every((line) => line === "" || line.startsWith("complete -c mayday -n "))).toBe(
      true,
    );
  });

  it("refuses a shell that it does not know", async () => {
    const result = await runCli(["completion", "tcsh", "--json"]);
    expect(verdictOf(result)).toMatchObject({ code: 2, reason: "bad-shell" });
  });
});
