import { mkdirSync } from "node:fs";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { addFlagVariables } from "../../src/cli/flag-variables.ts";
import { collectLinks, parseSeconds } from "../../src/cli/parse.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const NAMES = ["MAYDAY_LINK", "MAYDAY_TIMEOUT", "MAYDAY_QUIET", "MAYDAY_REPO"];
afterEach(() => {
  for (const name of NAMES) delete process.env[name];
});

/** The flags of a command line, with these variables. */
async function parsed(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const command = new Command("rescue")
    .requiredOption("--link <endpoint>", "link", collectLinks)
    .option("--timeout <seconds>", "time", parseSeconds)
    .option("--repo <dir>", "images")
    .option("--image <file>", "image")
    .option("--quiet", "less");
  addFlagVariables(command, ["timeout", "quiet", "repo"], ["link"], { repo: "image" });
  Object.assign(process.env, variables);
  let flags: Record<string, unknown> = {};
  command.exitOverride().action(() => {
    flags = command.opts();
  });
  await command.parseAsync(args, { from: "user" });
  return flags;
}

const linksOf = ({ link }: Record<string, unknown>): unknown =>
  (link as { text: string }[]).map(({ text }) => text);

describe("variables for flags", () => {
  test("stand for flags that are not given, also for those that are required", async () => {
    const flags = await parsed([], {
      MAYDAY_LINK: "'/dev/my port' serial:/dev/ttyUSB0?baud=921600",
      MAYDAY_TIMEOUT: "2.5",
      MAYDAY_QUIET: "true",
      MAYDAY_REPO: "images",
    });
    expect(linksOf(flags)).toEqual(["/dev/my port", "serial:/dev/ttyUSB0?baud=921600"]);
    expect(flags).toMatchObject({ timeout: 2500, quiet: true, repo: "images" });
  });

  test("give way to the flag, and to the one that takes its place", async () => {
    const variables = { MAYDAY_LINK: "/dev/a /dev/b", MAYDAY_REPO: "images" };
    const flags = await parsed(["--link", "/dev/c", "--image", "fw.mdy"], variables);
    expect(linksOf(flags)).toEqual(["/dev/c"]);
    expect(flags["repo"]).toBeUndefined();
  });

  test("that are empty or false set nothing", async () => {
    const flags = await parsed(["--link", "/dev/c"], { MAYDAY_TIMEOUT: "", MAYDAY_QUIET: "false" });
    expect(flags["timeout"]).toBeUndefined();
    expect(flags["quiet"]).toBe(false);
  });

  test.each([
    ["MAYDAY_TIMEOUT", "soon", "bad-seconds"],
    ["MAYDAY_QUIET", "1", "variable-boolean"],
    ["MAYDAY_LINK", "usb:1", "endpoint-scheme"],
    ["MAYDAY_LINK", "/dev/a /dev/a", "link-twice"],
    ["MAYDAY_LINK", "'/dev/a", "command-quotes"],
  ])("that are wrong are named in the error: %s=%s", async (name, value, code) => {
    const bad = parsed(["--repo", "x"], { MAYDAY_LINK: "/dev/ok", [name]: value });
    await expect(bad).rejects.toMatchObject({ code });
    await expect(bad).rejects.toThrow(`${name}: `);
  });
});

describe("a command with variables", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(() => bench.close());

  test("runs without a flag, and names a bad variable in its verdict", async () => {
    const repo = bench.path("images");
    mkdirSync(repo);
    const env = { MAYDAY_LINK: "tcp:127.0.0.1:1", MAYDAY_REPO: repo, MAYDAY_TIMEOUT: "0.3" };
    expect(verdictOf(await runCli(["rescue", "--json"], { env }))).toMatchObject({ code: 3 });
    const bad = await runCli(["rescue", "--json"], { env: { ...env, MAYDAY_RESET: "cts" } });
    expect(verdictOf(bad)).toMatchObject({ code: 2, reason: "invalid-argument" });
    expect(verdictOf(bad)["message"]).toContain("MAYDAY_RESET");
  });

  test("takes the keys that image verify trusts from MAYDAY_TRUST", async () => {
    const env = { MAYDAY_TRUST: `${bench.path("other.pub")} ${bench.path("owner.pub")}` };
    expect((await runCli(["image", "verify", bench.path("fw.mdy")], { env })).code).toBe(0);
    const flag = ["--trust", bench.path("other.pub")];
    expect((await runCli(["image", "verify", bench.path("fw.mdy"), ...flag], { env })).code).toBe(4);
  });
});
