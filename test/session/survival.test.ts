import { describe, expect, it } from "vitest";
import { PROFILES, type Profile } from "../../lab/profiles.ts";
import { runSurvival, type SurvivalRow, survivalRow, survivalTable } from "../../lab/survival.ts";

/** Of each kind of line; `npm run lab` runs 500 of each. */
const SEEDS = 20;

const rows: Map<string, SurvivalRow> = new Map();

function rowOf(profile: Profile): SurvivalRow {
  const known = rows.get(profile.name);
  if (known !== undefined) return known;
  const results = Array.from({ length: SEEDS }, (_, seed) => ({
    profile,
    seed,
    ...runSurvival({ profile, seed }),
  }));
  const row = survivalRow(profile.name, results);
  rows.set(profile.name, row);
  return row;
}

describe(`${SEEDS * PROFILES.length} lossy transfers`, () => {
  it.each(PROFILES)(
    "are all complete and exact: $name",
    (profile) => {
      const { failed, exact } = rowOf(profile);
      expect(failed.map(({ id, failure }) => `npm run lab -- --case ${id}  # ${failure}`)).toEqual([]);
      expect(exact).toBe(SEEDS);
    },
    60_000,
  );

  it("take the times of the table (vitest -u after a change of the protocol's timing)", async () => {
    await expect(survivalTable(PROFILES.map(rowOf))).toMatchFileSnapshot("survival-table.md");
  }, 120_000);
});
