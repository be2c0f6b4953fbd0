import { assert } from "../../base/assert.ts";
import { SMALL_CASES, TORTURE_CASES, type TortureCase, tortureCase } from "./cases.ts";
import { STORIES, type Story, storyOf } from "./stories.ts";
import {
  Benches,
  type CutPath,
  type EnduranceResult,
  endure,
  type PathResult,
  pathId,
  randomPath,
  runPath,
  type SweepFailure,
  type SweepResult,
  sweepStory,
} from "./sweep.ts";

/** How much to do. */
export interface TorturePlan {
  /** At the last depth of each sweep only every n-th cut is made; 1 for all. */
  readonly every: number;
  /** Runs of five cuts each at random operations. */
  readonly randomRuns: number;
  readonly seed: number;
  /** Only this case, or this story. */
  readonly caseName?: string | undefined;
  readonly storyName?: string | undefined;
  /** Only sweeps of this depth, and no random runs. */
  readonly depth?: 1 | 2 | undefined;
}

/** A piece of the work, which depends on nothing else. */
export type TortureJob =
  | {
      readonly tag: "sweep";
      readonly tortured: TortureCase;
      readonly story: Story;
      readonly depth: 1 | 2;
      readonly share: number;
    }
  | { readonly tag: "random"; readonly from: number; readonly to: number }
  | { readonly tag: "endurance"; readonly tortured: TortureCase; readonly story: Story };

/** What a job found. */
export type TortureResult =
  | { readonly tag: "sweep"; readonly sweep: SweepResult }
  | {
      readonly tag: "random";
      readonly runs: number;
      readonly cuts: number;
      readonly failures: readonly SweepFailure[];
    }
  | { readonly tag: "endurance"; readonly least: EnduranceResult; readonly ample: EnduranceResult };

/** A sweep of depth 2 is cut into this many jobs. */
const DEPTH_2_SHARES = 8;
const RANDOM_CHUNK = 250;
/** Operations from one cut to the next that are tried until a board becomes well. */
const BUDGETS = [4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96, 128];
/** Stories that a board under a starved supply has to finish. */
const ENDURANCE_STORIES = ["heal", "update", "other-image"];

/** All jobs of a plan, long ones first. */
export function jobsOf(plan: TorturePlan): TortureJob[] {
  const isWanted = ({ name }: { readonly name: string }, only: string | undefined): boolean =>
    only === undefined || only === name;
  const jobs: TortureJob[] = [];
  const add = (tortured: TortureCase, depth: 1 | 2, shares: number): void => {
    if (!isWanted(tortured, plan.caseName) || (plan.depth ?? depth) !== depth) return;
    for (const story of STORIES.filter((known) => isWanted(known, plan.storyName))) {
      for (let share = 0; share < shares; share++) jobs.push({ tag: "sweep", tortured, story, depth, share });
    }
  };
  for (const tortured of SMALL_CASES) add(tortured, 2, DEPTH_2_SHARES);
  for (const tortured of TORTURE_CASES) add(tortured, 1, 1);
  if (plan.depth !== undefined || plan.caseName !== undefined || plan.storyName !== undefined) return jobs;
  for (const tortured of [...SMALL_CASES, ...TORTURE_CASES.filter((_, i) => i % 6 === 0)]) {
    for (const story of STORIES.filter(({ name }) => ENDURANCE_STORIES.includes(name)))
      jobs.push({ tag: "endurance", tortured, story });
  }
  const end = plan.seed + plan.randomRuns;
  for (let from = plan.seed; from < end; from += RANDOM_CHUNK) {
    jobs.push({ tag: "random", from, to: Math.min(end, from + RANDOM_CHUNK) });
  }
  return jobs;
}

/** Does one job. */
export function doJob(plan: TorturePlan, job: TortureJob, benches: Benches): TortureResult {
  switch (job.tag) {
    case "sweep": {
      const { tortured, story, depth, share } = job;
      const shared = depth === 2 ? { share: { index: share, of: DEPTH_2_SHARES } } : {};
      const { every, seed } = plan;
      return {
        tag: "sweep",
        sweep: sweepStory(benches.of(tortured), story, { depth, every, seed, ...shared }),
      };
    }
    case "endurance":
      return { tag: "endurance", ...leastBudget(job, benches, plan.seed) };
    case "random":
      return randomRuns(job.from, job.to, benches);
  }
}

function randomRuns(from: number, to: number, benches: Benches): TortureResult {
  const failures: SweepFailure[] = [];
  let cuts = 0;
  for (let seed = from; seed < to; seed++) {
    const path = randomPath(seed);
    const result = replayPath(path, benches);
    assert(result !== undefined, "random paths are of known flashes and stories");
    cuts += result.cuts;
    if (result.failure !== null) failures.push({ id: pathId(path), what: result.failure });
  }
  return { tag: "random", runs: to - from, cuts, failures };
}

/** The least budget at which the board becomes well, and the next one but one. */
function leastBudget(
  { tortured, story }: { readonly tortured: TortureCase; readonly story: Story },
  benches: Benches,
  seed: number,
): { least: EnduranceResult; ample: EnduranceResult } {
  const run = (budget: number): EnduranceResult => endure(benches.of(tortured), story, budget, seed);
  for (const budget of BUDGETS) {
    const least = run(budget);
    if (least.failure === null) return { least, ample: run(budget * 2) };
  }
  const worst = run(BUDGETS.at(-1) ?? 0);
  return { least: worst, ample: worst };
}

/** Runs one path, by the names in it; undefined when there is no such case or story. */
export function replayPath(path: CutPath, benches: Benches = new Benches()): PathResult | undefined {
  const tortured = tortureCase(path.case);
  const story = storyOf(path.story);
  if (tortured === undefined || story === undefined) return undefined;
  return runPath(benches.of(tortured), story, path);
}
