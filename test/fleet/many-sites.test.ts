import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

/** How long the sites have to come back. */
const WINDOW_MS = 3_000;

it("a hundred sites come back spread over the window after the broker was killed, and all reports are collected once", () => {
  const args = [
    "scripts/fleet.mjs",
    "--sites",
    "100",
    "--reports",
    "5",
    "--window",
    String(WINDOW_MS),
    "--json",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const result = JSON.parse(stdout) as Record<string, number> & { readonly histogram: readonly number[] };
  expect(result).toMatchObject({ made: 600, collected: 600, distinct: 600 });
  expect(result["spanMs"]).toBeGreaterThan(0.7 * WINDOW_MS);
  // Ten in each tenth on average; all at once would be a hundred in one.
  expect(Math.max(...result.histogram)).toBeLessThan(35);
});
