import { describe, expect, it } from "vitest";
import { campaignScenario, KINDS, runSeed, type SeedOutcome } from "../../../src/sim/many/campaign.ts";

/** Seeds in the suite; `npm run evidence:sim` runs 10,000 and more. */
const FROM = Number(process.env["SIM_FROM"] ?? 0);
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 2 * KINDS);

/** The sum of each count over all outcomes. */
function sums<T extends object>(outcomes: readonly SeedOutcome[], read: (outcome: SeedOutcome) => T): T {
  const all: Record<string, number> = {};
  for (const outcome of outcomes)
    for (const [name, count] of Object.entries(read(outcome))) all[name] = (all[name] ?? 0) + count;
  return all as T;
}

describe("the campaign of many boards", () => {
  it(`breaks no rule and leaves no board behind, with faults, in ${SEEDS} seeds from ${FROM} on`, {
    timeout: 3_600_000,
  }, async () => {
    const outcomes: SeedOutcome[] = [];
    for (let seed = FROM; seed < FROM + SEEDS; seed++) outcomes.push(await runSeed(seed));
    const failed = outcomes.filter(({ violations }) => violations.length > 0);
    expect(failed.map(({ violations, replay }) => `${violations[0]}; again: ${replay}`)).toEqual([]);
    // Faults of each kind happened, and each rule was looked at.
    for (const [kind, count] of Object.entries(sums(outcomes, ({ faults }) => faults)))
      expect(count, kind).toBeGreaterThan(SEEDS / 10);
    for (const [rule, count] of Object.entries(sums(outcomes, ({ lookedAt }) => lookedAt)))
      expect(count, rule).toBeGreaterThan(10 * SEEDS);
  });

  it("gives the same events when a seed is run again", async () => {
    const [one, other] = [await runSeed(FROM), await runSeed(FROM)];
    expect(one.events).toBeGreaterThan(100);
    expect(other).toEqual(one);
    expect((await runSeed(FROM + KINDS)).digest).not.toBe(one.digest);
  });

  it("has all topologies, both layouts, healing and updating in each round of its kinds", () => {
    const round = Array.from({ length: KINDS }, (_, i) => campaignScenario(FROM + i));
    const names = round.map(({ topology, layout, update }) => `${topology} ${layout} ${update}`);
    expect(new Set(names).size).toBe(KINDS);
  });
});
