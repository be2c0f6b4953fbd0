import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let board: string;

beforeAll(async () => {
  bench = await openWorkbench();
  board = await bench.board("board", bench.path("fw.mdy"));
});
afterAll(() => bench.close());

const distress = (log: string): string[] => {
  return ["distress", "--link", "tcp:127.0.0.1:1", "--board", board, "--log", log, "--json"];
};
const linesOf = (path: string): Record<string, unknown>[] => {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe("a log", () => {
  test("takes the lines of --json with their time, behind what it holds, with and without --json", async () => {
    const log = bench.path("run.log");
    const first = await runCli(distress(log));
    expect(first).toMatchObject({ code: 0 });
    const { time, ...verdict } = linesOf(log).at(-1) ?? {};
    expect(verdict).toEqual(verdictOf(first));
    expect(Date.parse(String(time))).toBeGreaterThan(Date.parse("2020-01-01"));
    expect(statSync(log).mode & 0o137).toBe(0);
    const count = linesOf(log).length;
    await runCli(distress(log).filter((word) => word !== "--json"));
    expect(linesOf(log)).toHaveLength(2 * count);
    expect(linesOf(log).slice(count).at(-1)).toMatchObject({ event: "verdict", reason: "healthy" });
  });

  test("takes errors and warnings of a rescuer, but no progress", async () => {
    const log = bench.path("rescue.log");
    const repo = bench.path("empty");
    mkdirSync(repo);
    const args = ["rescue", "--link", "tcp:127.0.0.1:1", "--repo", repo, "--once", "--timeout", "0.2"];
    expect((await runCli([...args, "--log", log])).code).toBe(3);
    const events = linesOf(log).map(({ event }) => event);
    expect(events[0]).toBe("warning");
    expect(events.at(-1)).toBe("verdict");
  });

  test.each([
    ["a link to a file", (path: string) => symlinkSync(bench.path("precious"), path), "log-not-file", 2],
    ["a link to nowhere", (path: string) => symlinkSync(bench.path("nowhere"), path), "log-not-file", 2],
    ["a second name of a file", (path: string) => linkSync(bench.path("precious"), path), "log-foreign", 1],
    ["a folder", (path: string) => mkdirSync(path), "log-not-file", 2],
    ["a pipe that nobody reads", (path: string) => execFileSync("mkfifo", [path]), "log-not-file", 2],
  ] as const)(
    "is refused when its name is %s, and the command does nothing",
    async (what, make, reason, code) => {
      writeFileSync(bench.path("precious"), "as it was");
      const path = bench.path(`log ${what}`);
      make(path);
      const result = await runCli(distress(path));
      expect(verdictOf(result)).toMatchObject({ code, reason });
      expect(readFileSync(bench.path("precious"), "utf8")).toBe("as it was");
    },
  );

  test("is refused in a folder that is not there", async () => {
    expect(verdictOf(await runCli(distress(bench.path("none/x.log"))))).toMatchObject({
      code: 2,
      reason: "log-folder-missing",
    });
  });
});
