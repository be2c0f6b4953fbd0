import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CliEvent, type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "mayday-sim-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SMALL = ["--size", "8K", "--baud", "921600"];

function sim(...args: readonly string[]): Promise<CliResult> {
  return runCli(["sim", ...args], { limitMs: 60_000 });
}

function linesOf({ events }: CliResult, event: string): readonly CliEvent[] {
  return events.filter((line) => line.event === event);
}

describe("mayday sim", () => {
  it("tells of each board when it was healed and by whom, and sums up in its verdict", async () => {
    const result = await sim("--topology", "line", "--nodes", "4", "--seed", "1", "--json");
    expect(result.code).toBe(0);
    const healed = linesOf(result, "healed");
    expect(healed.map(({ board, by }) => [board, by])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    const verdict = verdictOf(result);
    expect(verdict).toMatchObject({
      ok: true,
      reason: "healed",
      boards: 4,
      healed: 3,
      updated: 0,
      violations: 0,
    });
    expect(verdict["seconds"]).toBe(healed[2]?.["at"]);
    // 64 KiB at 115200 baud: each hop adds a block and a handshake.
    expect(verdict["seconds"]).toBeGreaterThan(5.6);
    expect(verdict["transferTimes"]).toBeGreaterThan(1);
    expect(verdict["transferTimes"]).toBeLessThan(1.5);
  });

  it("lets boards hand on only what they have as a whole if it is told so: a transfer for each hop", async () => {
    const args = ["--topology", "line", "--nodes", "4", "--seed", "1", "--store-and-forward", "--json"];
    const verdict = verdictOf(await sim(...args));
    expect(verdict).toMatchObject({ ok: true, healed: 3, violations: 0 });
    expect(verdict["transferTimes"]).toBeCloseTo(3, 1);
  });

  it("updates all boards from board 0, and breaks none unless told to", async () => {
    const result = await sim(
      "--topology",
      "star",
      "--nodes",
      "4",
      "--seed",
      "1",
      "--update",
      "--json",
      ...SMALL,
    );
    expect(linesOf(result, "updated")).toHaveLength(3);
    expect(verdictOf(result)).toMatchObject({ ok: true, reason: "updated", healed: 0, updated: 3 });
  });

  it("breaks the share of boards that is asked for", async () => {
    const args = [
      "--topology",
      "ring",
      "--nodes",
      "11",
      "--seed",
      "2",
      "--broken",
      "0.3",
      "--json",
      ...SMALL,
    ];
    expect(verdictOf(await sim(...args))).toMatchObject({ boards: 11, healed: 3 });
  });

  it("tells people the story, and draws it", async () => {
    const svg = join(folder, "story.svg");
    const result = await sim("--topology", "tree", "--nodes", "7", "--seed", "1", "--svg", svg, ...SMALL);
    expect(result.stdout).toMatch(/^7 boards, 6 of them unbootable, healed in .* by one neighbour\n/);
    expect(readFileSync(svg, "utf8")).toContain(
      "mayday sim --topology tree --nodes 7 --seed 1 --size 8K --baud 921600",
    );
  });

  it("exits with 1 and the command that shows it again when boards are not well in the end", async () => {
    const args = [
      "--topology",
      "line",
      "--nodes",
      "3",
      "--seed",
      "5",
      "--size",
      "8K",
      "--baud",
      "921600",
      "--loss",
      "1",
    ];
    const result = await sim(...args, "--json");
    expect(result.code).toBe(1);
    const verdict = verdictOf(result);
    expect(verdict).toMatchObject({ ok: false, reason: "not-well", boards: 3, healed: 0 });
    expect(verdict["message"]).toContain(`board 1, 2; again: mayday sim ${args.join(" ")}`);
  });

  it("stages an update, and counts who ran a bad one, with gates and without", async () => {
    const base = ["--topology", "grid", "--nodes", "9", "--seed", "1", "--update", ...SMALL];
    const staged = ["--rings", "3", "--soak", "1m", "--ring-time", "10m"];
    const slow = verdictOf(await sim(...base, ...staged, "--link-keys", "--json"));
    expect(slow).toMatchObject({ ok: true, reason: "updated", updated: 8, violations: 0 });
    expect(slow["seconds"]).toBeGreaterThan(600);
    const bad = [...base, ...staged, "--bad-image", "10s"];
    expect(verdictOf(await sim(...bad, "--json"))).toMatchObject({
      reason: "counted",
      boards: 9,
      ran: 1,
      running: 0,
    });
    expect(verdictOf(await sim(...bad, "--gates", "off", "--json"))).toMatchObject({
      reason: "counted",
      ran: 9,
    });
  });

  it.each([
    [["--soak", "1m"], "give --update, too"],
    [["--update", "--soak", "1"], "a whole number with its unit"],
    [["--update", "--bad-image", "0s"], "at least 1ms"],
    [["--update", "--rings", "256"], "256"],
  ])("refuses %j", async (flags, message) => {
    const result = await sim("--topology", "line", "--nodes", "3", "--seed", "1", ...flags, "--json");
    expect(result.code).toBe(2);
    expect(verdictOf(result)).toMatchObject({ ok: false, code: 2 });
    expect(result.stderr).toContain(message);
  });

  it("refuses what it cannot simulate, and says what it can", async () => {
    const bad = async (...args: readonly string[]): Promise<CliResult> => await sim("--seed", "1", ...args);
    expect((await bad("--topology", "cube", "--nodes", "8")).stderr).toContain(
      "line, ring, star, grid, tree, random",
    );
    expect((await bad("--topology", "line", "--nodes", "20001")).code).toBe(2);
    expect((await bad("--topology", "ring", "--nodes", "2")).code).toBe(2);
    expect((await bad("--topology", "line", "--nodes", "2", "--size", "17M")).stderr).toContain(
      "at most 16M",
    );
    expect((await bad("--topology", "line", "--nodes", "2", "--broken", "2")).code).toBe(2);
  });

  it.each([
    ["healing", []],
    ["healing with faults", ["--faults"]],
    [
      "updating single slots with faults and loss",
      ["--faults", "--update", "--layout", "single", "--loss", "0.02"],
    ],
  ])("gives the same bytes in another process: %s", async (_, flags) => {
    const args = ["--topology", "random", "--nodes", "12", "--seed", "7", "--json", ...SMALL, ...flags];
    const [one, other] = [await sim(...args), await sim(...args)];
    expect(one.events.length).toBeGreaterThan(10);
    expect(one.stdout).toBe(other.stdout);
    const seed8 = await sim(...args.map((arg) => (arg === "7" ? "8" : arg)));
    expect(seed8.stdout).not.toBe(one.stdout);
  });

  it("ends at a signal", async () => {
    const run = startCli(["sim", "--topology", "line", "--nodes", "2000", "--seed", "1", "--json"], {
      limitMs: 30_000,
    });
    setTimeout(() => run.child.kill("SIGINT"), 3_000);
    const result = await run.ended;
    expect(result.code).toBe(130);
    expect(verdictOf(result)).toMatchObject({ ok: false, reason: "interrupted" });
  });
});
