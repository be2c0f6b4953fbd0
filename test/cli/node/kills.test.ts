import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type KillRun, killRun, killsOf } from "./kill-scene.ts";

/*
 * Six processes, one of which is killed at random moments. More kills: `npm run evidence:kills`, which sets seeds, the number of
 * runs, and a file for what was seen.
 */

const env = process.env;
const FROM = Number(env["KILLS_FROM"] ?? 1);
const RUNS = Number(env["KILLS_RUNS"] ?? 2);
const KILLS = 5;
/** A run takes about 20 s, and two minutes where much goes wrong in time. */
const RUN_LIMIT_MS = 200_000;

describe("SIGKILL at random moments while 1.1 spreads over six boards", () => {
  it("draws the same kills from the same seed", () => {
    expect(killsOf(7, KILLS)).toEqual(killsOf(7, KILLS));
    expect(killsOf(7, KILLS)).not.toEqual(killsOf(8, KILLS));
  });

  it(
    "ends with all six boards on 1.1, each flash exact, and no lock or socket left",
    async () => {
      const runs: KillRun[] = [];
      for (let seed = FROM; seed < FROM + RUNS; seed++) {
        runs.push(await killRun(seed, KILLS));
        if (env["KILLS_OUT"] !== undefined) writeFileSync(env["KILLS_OUT"], JSON.stringify(runs));
      }
      const faults = runs.flatMap((run) => run.faults.map((fault) => `seed ${run.seed}: ${fault}`));
      expect(faults).toEqual([]);
      expect(runs.flatMap(({ kills }) => kills)).toHaveLength(RUNS * KILLS);
    },
    RUNS * RUN_LIMIT_MS,
  );
});
