import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONSOLES, MOMENTS, STARTERS, sampleStarts, startOf } from "./start-plan.ts";
import { faultsOf, playStarts, type StartResult, startsFrom } from "./start-scene.ts";

/*
 * Commands that start where a shell, a getty or a boot loader reads the line. 200 of these starts, ten seconds each:
 * `npm run evidence:starts`, which sets seeds, their number, how many run at once, and a file for what was seen.
 */

const env = process.env;
const COUNT = env["STARTS_COUNT"];
const SAMPLE_WATCH_MS = 3_000;
const IDLE_MAX = Number(env["STARTS_IDLE"] ?? 4);
const LIMIT_MS = 3_600_000;

describe("a command that starts where somebody else reads the line", () => {
  it("is drawn from its seed alone", () => {
    expect(startOf(7)).toEqual(startOf(7));
    const starts = startsFrom(1, 200);
    expect(new Set(starts.map(({ starter }) => starter))).toEqual(new Set(STARTERS));
    expect(new Set(starts.map((start) => start.console))).toEqual(new Set(CONSOLES));
    expect(new Set(starts.map(({ moment }) => moment))).toEqual(new Set(MOMENTS));
  });

  it(
    "executes nothing, and breaks nothing off",
    async () => {
      const starts =
        COUNT === undefined
          ? sampleStarts(SAMPLE_WATCH_MS)
          : startsFrom(Number(env["STARTS_FROM"] ?? 1), Number(COUNT));
      const seen: StartResult[] = [];
      const results = await playStarts(starts, IDLE_MAX, (result) => {
        seen.push(result);
        const told = seen.map((one) => ({ ...one, faults: faultsOf(one) }));
        if (env["STARTS_OUT"] !== undefined) writeFileSync(env["STARTS_OUT"], JSON.stringify(told));
      });
      const faults = results.flatMap((result) =>
        faultsOf(result).map((fault) => `${JSON.stringify(result.start)}: ${fault}; typed ${result.bytes}`),
      );
      expect(faults).toEqual([]);
      expect(results).toHaveLength(starts.length);
    },
    LIMIT_MS,
  );
});
