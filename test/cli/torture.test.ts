import { describe, expect, test } from "vitest";
import { runCli, verdictOf } from "../support/cli.ts";

describe("board torture", () => {
  test("lists its flashes and stories", async () => {
    const { code, stdout } = await runCli(["board", "torture", "--list"]);
    expect(code).toBe(0);
    expect(stdout).toContain("case ab-4k-b1k/w16/ff\n");
    expect(stdout).toContain("story revert\n");
  });

  test.each(["single-f4-b32k/w4/ff", "single-256k-b32k/w16/ff", "ab-256k-b64k/w16/00"])(
    "finds nothing on %s, whose manifests are in the sectors of the record",
    async (name) => {
      const result = await runCli(["board", "torture", "--case", name, "--every", "100", "--json"]);
      const report = result.events.find(({ event }) => event === "report");
      expect(report).toMatchObject({ isWhole: true, flashes: 1, failures: [] });
      expect(report?.["cuts"]).toBeGreaterThan(20);
    },
  );

  test("shares its work among processes and reports K, cuts, seed and bound", async () => {
    const flags = ["--case", "single-8k-b2k/w256/00", "--every", "400", "--seed", "9", "--workers", "2"];
    const result = await runCli(["board", "torture", ...flags, "--json"]);
    expect(result.code).toBe(0);
    expect(verdictOf(result)).toMatchObject({ ok: true, code: 0 });
    const lines = result.stdout.trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const report = events.find(({ event }) => event === "report");
    expect(report).toMatchObject({ isWhole: true, flashes: 1, every: 400, seed: 9, failures: [] });
    expect(report?.["bound"]).toBeCloseTo(3 / Number(report?.["all"]));
  });

  test("replays a path by its id", async () => {
    const id = "small-ab:update:17.late,3.bits:0";
    const { code, stdout } = await runCli(["board", "torture", "--replay", id]);
    expect(code).toBe(0);
    expect(stdout).toBe(`${id}: 2 cuts, passed\n`);
  });

  test.each([
    [["--replay", "nonsense"], "torture-id"],
    [["--case", "nonsense"], "torture-nothing"],
    [["--share", "2/2"], "torture-share"],
    [["--depth", "3"], "bad-number"],
  ])("refuses %j", async (flags, reason) => {
    const result = await runCli(["board", "torture", ...flags, "--json"]);
    expect(result.code).toBe(2);
    expect(verdictOf(result)).toMatchObject({ ok: false, reason });
  });
});
