import { describe, expect, it } from "vitest";
import { SMALL_CASES, TORTURE_CASES } from "../../../src/sim/power-cuts/cases.ts";
import { doJob, jobsOf, replayPath, type TortureResult } from "../../../src/sim/power-cuts/plan.ts";
import { CUTS } from "../../../src/sim/power-cuts/power-cut.ts";
import { boundOf, reportLines, reportOf } from "../../../src/sim/power-cuts/report.ts";
import { STORIES } from "../../../src/sim/power-cuts/stories.ts";
import {
  Benches,
  endure,
  type PathResult,
  parsePathId,
  pathId,
  randomPath,
  runPath,
  sweepStory,
} from "../../../src/sim/power-cuts/sweep.ts";

const benches = new Benches();
const small = SMALL_CASES.map((tortured) => benches.of(tortured));

describe("the power-cut laboratory", () => {
  it("knows at least eight flashes, each with three write units and both erased values", () => {
    const shapes = new Map<string, { writeSizes: Set<number>; erased: Set<number> }>();
    for (const { name, geometry } of TORTURE_CASES) {
      const shape = name.split("/")[0] ?? "";
      const seen = shapes.get(shape) ?? { writeSizes: new Set(), erased: new Set() };
      seen.writeSizes.add(geometry.writeSize ?? 16);
      seen.erased.add(geometry.erasedByte ?? 0xff);
      shapes.set(shape, seen);
    }
    expect(shapes.size).toBeGreaterThanOrEqual(8);
    for (const { writeSizes, erased } of shapes.values()) {
      expect(writeSizes.size).toBe(3);
      expect(erased.size).toBe(2);
    }
    expect(new Set([...TORTURE_CASES, ...SMALL_CASES].map(({ name }) => name)).size).toBe(
      TORTURE_CASES.length + SMALL_CASES.length,
    );
  });

  it.each(
    small.flatMap((bench) => STORIES.map((story) => [story.name, bench.case.name, story, bench] as const)),
  )("finds nothing in %s on %s, cut at every operation", (_story, _case, story, bench) => {
    const { operations, cuts, failures } = sweepStory(bench, story, { depth: 1, seed: 0, every: 1 });
    expect(failures).toEqual([]);
    expect(cuts).toBe(operations * CUTS.length);
  });

  it("cuts in everything that changes the flash", () => {
    const results = small.flatMap((bench) =>
      STORIES.map((story): TortureResult => {
        const sweep = sweepStory(bench, story, { depth: 1, seed: 0, every: 7 });
        return { tag: "sweep", sweep };
      }),
    );
    expect(Object.keys(reportOf(results).phases).sort()).toEqual([
      "another image over a half received one",
      "confirm and counter bump",
      "erase of a rejected image",
      "first boot",
      "journal clean-up",
      "receive",
      "receive after a revert",
      "receive in quarantine",
      "resume",
      "revert",
      "second boot",
      "trial boot",
      "update of a proven image",
      "verify and activate",
    ]);
  });

  it("cuts again at every operation of what follows a cut, and shares that without leaving any out", () => {
    const [bench] = small;
    const story = STORIES.find(({ name }) => name === "update");
    if (bench === undefined || story === undefined) throw new Error("update on a small flash");
    const plan = { depth: 2, seed: 5, every: 97 } as const;
    const shares = [0, 1, 2].map((index) => sweepStory(bench, story, { ...plan, share: { index, of: 3 } }));
    const whole = sweepStory(bench, story, { depth: 1, seed: 5, every: 1 });
    expect(shares.flatMap(({ failures }) => failures)).toEqual([]);
    const first = shares.map(({ phases }) =>
      Object.entries(phases).reduce((sum, [phase, cuts]) => sum + (phase.startsWith("again") ? 0 : cuts), 0),
    );
    expect(first.reduce((a, b) => a + b, 0)).toBe(whole.cuts);
    expect(Object.keys(shares[0]?.phases ?? {})).toContain("again, after a cut in receive");
  });

  it("makes one cut of many where asked", () => {
    const [bench] = small;
    const [story] = STORIES;
    if (bench === undefined || story === undefined) throw new Error("a story on a small flash");
    const { cuts, operations } = sweepStory(bench, story, { depth: 1, seed: 3, every: 10 });
    expect(Math.abs(cuts - (operations * CUTS.length) / 10)).toBeLessThan(1);
  });

  it("takes random paths, the same ones for the same seed", () => {
    for (let seed = 0; seed < 40; seed++) {
      const path = randomPath(seed, SMALL_CASES);
      expect(path.cuts).toHaveLength(5);
      const once = run(path);
      expect(once.failure, pathId(path)).toBeNull();
      expect(run(path)).toEqual(once);
    }
  });

  it("heals boards whose power lasts for 20 operations at a time, 24 where manifests are copied", () => {
    for (const bench of small) {
      const budget = bench.map.manifests.length > 0 ? 20 : 24;
      for (const story of STORIES) {
        const { failure, wear, powerUps } = endure(bench, story, budget, 0);
        expect(failure, `${bench.case.name} ${story.name}`).toBeNull();
        expect(wear, `${bench.case.name} ${story.name}`).toBeLessThanOrEqual(powerUps + 6);
      }
    }
  });

  it("reports a board whose power never lasts long enough", () => {
    const [bench] = small;
    const [story] = STORIES;
    if (bench === undefined || story === undefined) throw new Error("a story on a small flash");
    expect(endure(bench, story, 3, 0).failure).toBe("never well");
  });
});

function run(path: ReturnType<typeof randomPath>): PathResult {
  const tortured = SMALL_CASES.find(({ name }) => name === path.case);
  const story = STORIES.find(({ name }) => name === path.story);
  if (tortured === undefined || story === undefined) throw new Error(pathId(path));
  return runPath(benches.of(tortured), story, path);
}

describe("a replay id", () => {
  it("names a path and nothing else", () => {
    for (let seed = 0; seed < 20; seed++) {
      const path = randomPath(seed);
      expect(parsePathId(pathId(path))).toEqual(path);
    }
    expect(parsePathId("small-ab:update::7")).toMatchObject({ cuts: [], seed: 7 });
  });

  it.each([
    "",
    "small-ab",
    "small-ab:update:3.never:0",
    "small-ab:update:x.bits:0",
    "a:b:1.bits:-1",
    "a:b:1.bits",
  ])("is refused when it is %j", (id) => {
    expect(parsePathId(id)).toBeUndefined();
  });

  it("is refused when its flash or story is unknown", () => {
    expect(replayPath({ case: "none", story: "update", cuts: [], seed: 0 })).toBeUndefined();
    expect(replayPath({ case: "small-ab", story: "none", cuts: [], seed: 0 })).toBeUndefined();
  });
});

describe("a plan", () => {
  it("has every story on every flash, the small ones at depth 2, random paths and starved supplies", () => {
    const jobs = jobsOf({ every: 1, randomRuns: 600, seed: 10 });
    const sweeps = jobs.filter((job) => job.tag === "sweep");
    expect(sweeps.filter(({ depth }) => depth === 1)).toHaveLength(TORTURE_CASES.length * STORIES.length);
    expect(new Set(sweeps.filter(({ depth }) => depth === 2).map(({ tortured }) => tortured.name)).size).toBe(
      SMALL_CASES.length,
    );
    expect(jobs.filter((job) => job.tag === "random")).toEqual([
      { tag: "random", from: 10, to: 260 },
      { tag: "random", from: 260, to: 510 },
      { tag: "random", from: 510, to: 610 },
    ]);
    expect(jobs.some((job) => job.tag === "endurance")).toBe(true);
  });

  it("is narrowed to a flash, a story, a depth", () => {
    const base = { every: 1, randomRuns: 600, seed: 0 };
    expect(jobsOf({ ...base, caseName: "small-ab", storyName: "heal" })).toHaveLength(8);
    expect(jobsOf({ ...base, caseName: "nothing" })).toEqual([]);
    expect(jobsOf({ ...base, depth: 1, storyName: "heal" })).toHaveLength(TORTURE_CASES.length);
  });

  it("is reported with K, cuts, seeds and the bound", () => {
    const plan = { every: 50, randomRuns: 3, seed: 2, caseName: "small-ab", storyName: "update" };
    const results = jobsOf(plan).map((job) => doJob(plan, job, benches));
    results.push(doJob(plan, { tag: "random", from: 2, to: 5 }, benches));
    const report = reportOf(results);
    const { all, bound } = boundOf(report);
    expect(all).toBe(report.nestedCuts + report.randomCuts);
    expect(bound).toBeCloseTo(3 / all);
    const text = reportLines(report, plan).join("\n");
    expect(text).toContain("failures (brick, unverified boot or byte, fallen counter): 0 of");
    expect(text).toContain("3/n");
  });
});
