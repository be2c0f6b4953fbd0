import crc32 from "crc/calculators/crc32";
import { type Random, randomBelow, SeededRandom } from "../../base/prng.ts";
import { type Bench, makeBench } from "./bench.ts";
import { TORTURE_CASES, type TortureCase } from "./cases.ts";
import { CUTS, type CutKind, cutOperation, type PendingOperation, PowerCut } from "./power-cut.ts";
import { recover } from "./recover.ts";
import { Brick, TortureStage } from "./stage.ts";
import { STORIES, type Story } from "./stories.ts";
import type { BoardMaker } from "./tortured-board.ts";

/** A cut: at the n-th operation since power came back, and of which kind. */
export interface CutPoint {
  readonly operation: number;
  readonly cut: CutKind;
}

/** One run, as its replay id says it: where, what, which cuts one after the other, and the seed of the torn bits. */
export interface CutPath {
  readonly case: string;
  readonly story: string;
  readonly cuts: readonly CutPoint[];
  readonly seed: number;
}

/** What a sweep of one story on one case found. */
export interface SweepResult {
  readonly case: string;
  readonly story: string;
  readonly depth: number;
  /** Operations of the story when nothing is cut. */
  readonly operations: number;
  /** Cuts made, at all depths. */
  readonly cuts: number;
  /** Cuts by what the board was about, in the story's own words. */
  readonly phases: Readonly<Record<string, number>>;
  /** Most erases of any one sector in any one run. */
  readonly wear: number;
  readonly failures: readonly SweepFailure[];
}

export interface SweepFailure {
  /** For `mayday board torture --replay`. */
  readonly id: string;
  readonly what: string;
}

/** Which cuts of a story to make. */
export interface SweepPlan {
  readonly depth: 1 | 2;
  readonly seed: number;
  /** At the last depth only every n-th cut is made; 1 for all. */
  readonly every: number;
  /** Only first cuts at operations whose number leaves this remainder: for sharing a sweep. */
  readonly share?: { readonly index: number; readonly of: number };
}

/** Failures kept of one sweep; a defect breaks thousands of cuts at once. */
const FAILURES_MAX = 20;
const ENDURANCE_POWER_UPS_MAX = 400;
const RANDOM_CUTS = 5;
/** Later cuts of random runs fall within this many operations since power came back. */
const RANDOM_OPERATIONS = 60;

/** The id that replays a run. */
export function pathId({ case: name, story, cuts, seed }: CutPath): string {
  return [name, story, cuts.map(({ operation, cut }) => `${operation}.${cut}`).join(), seed].join(":");
}

/** The run of an id, or undefined. */
export function parsePathId(id: string): CutPath | undefined {
  const match = /^([^:]+):([^:]+):((?:\d{1,6}\.[a-z]+,?)*):(\d{1,10})$/.exec(id);
  if (match === null) return undefined;
  const cuts = (match[3] ?? "").split(",").filter((text) => text !== "");
  const points = cuts.map((text) => {
    const [operation, name] = text.split(".");
    const cut = CUTS.find((known) => known === name);
    return cut === undefined ? undefined : { operation: Number(operation), cut };
  });
  const known = points.filter((point) => point !== undefined);
  if (known.length < points.length) return undefined;
  return { case: match[1] ?? "", story: match[2] ?? "", cuts: known, seed: Number(match[4]) };
}

/** Cuts a story at every operation in every way, and continues from a fork of the flash each time. */
export function sweepStory(bench: Bench, story: Story, plan: SweepPlan): SweepResult {
  const sweep = new Sweep(bench, story, plan);
  const stage = prepared(bench, story);
  sweep.watch(stage, [], plan.depth);
  sweep.guard([], stage, () => story.run(stage));
  return sweep.result(stage.operations);
}

/** One story under one plan. */
class Sweep {
  readonly #bench: Bench;
  readonly #story: Story;
  readonly #plan: SweepPlan;
  readonly #phases: Record<string, number> = {};
  readonly #failures: SweepFailure[] = [];
  #cuts = 0;
  /** Cuts of the last depth, those left out included. */
  #seen: number;
  #wear = 0;

  constructor(bench: Bench, story: Story, plan: SweepPlan) {
    this.#bench = bench;
    this.#story = story;
    this.#plan = plan;
    this.#seen = plan.seed;
  }

  watch(stage: TortureStage, before: readonly CutPoint[], depth: number): void {
    stage.watch = (operation) => {
      const { share, every } = this.#plan;
      if (before.length === 0 && share !== undefined && operation.index % share.of !== share.index) return;
      for (const cut of CUTS) {
        if (depth === 1 && this.#seen++ % every !== 0) continue;
        this.#cut(stage, operation, [...before, { operation: operation.index, cut }], depth - 1);
      }
    };
  }

  #cut(stage: TortureStage, operation: PendingOperation, cuts: readonly CutPoint[], depth: number): void {
    const child = stage.fork();
    const phase = cuts.length === 1 ? stage.phase : `again, after a cut in ${stage.phase}`;
    child.phase = stage.phase;
    this.#cuts++;
    this.#phases[phase] = (this.#phases[phase] ?? 0) + 1;
    this.guard(cuts, child, () => {
      carryOut(child, operation, cuts, this.#path(cuts));
      if (depth > 0) this.watch(child, cuts, depth);
      recover(child, this.#story);
    });
  }

  /** Runs, and notes a failure with the id that replays it. */
  guard(cuts: readonly CutPoint[], stage: TortureStage, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (this.#failures.length >= FAILURES_MAX) return;
      this.#failures.push({ id: pathId(this.#path(cuts)), what: describe(error) });
    } finally {
      this.#wear = Math.max(this.#wear, ...stage.wear);
    }
  }

  result(operations: number): SweepResult {
    const { name } = this.#bench.case;
    const counted = { cuts: this.#cuts, phases: this.#phases, wear: this.#wear, failures: this.#failures };
    return { case: name, story: this.#story.name, depth: this.#plan.depth, operations, ...counted };
  }

  #path(cuts: readonly CutPoint[]): CutPath {
    return { case: this.#bench.case.name, story: this.#story.name, cuts, seed: this.#plan.seed };
  }
}

/** What power that lasts for a number of operations at a time led to. */
export interface EnduranceResult {
  /** For `mayday board torture --replay`. */
  readonly id: string;
  /** Operations from one cut to the next. */
  readonly budget: number;
  readonly powerUps: number;
  /** Most erases of any one sector until the board was well. */
  readonly wear: number;
  /** Null when the board became well. */
  readonly failure: string | null;
}

/**
 * Cuts the power after every `budget` operations, in one way after the other, until the board is well or was started
 * {@link ENDURANCE_POWER_UPS_MAX} times.
 */
export function endure(bench: Bench, story: Story, budget: number, seed: number): EnduranceResult {
  const cuts = Array.from({ length: ENDURANCE_POWER_UPS_MAX }, (_, i) => ({
    operation: budget,
    cut: CUTS[(i + seed) % CUTS.length] ?? "bits",
  }));
  const path = { case: bench.case.name, story: story.name, cuts, seed };
  const { cuts: done, wear, failure } = runPath(bench, story, path);
  const known = failure ?? (done === cuts.length ? "never well" : null);
  return { id: pathId({ ...path, cuts: cuts.slice(0, done) }), budget, powerUps: done, wear, failure: known };
}

/** What one path led to. */
export interface PathResult {
  /** Cuts that were reached. */
  readonly cuts: number;
  readonly wear: number;
  /** Null when the board became well. */
  readonly failure: string | null;
}

/** Runs one path: after each cut the board runs until the next one, or until it is healed. */
export function runPath(bench: Bench, story: Story, path: CutPath): PathResult {
  let stage = prepared(bench, story);
  let done = 0;
  let failure: string | null = null;
  for (;;) {
    const due = path.cuts[done];
    stage.watch = (operation, at) => {
      if (operation.index !== due?.operation) return;
      carryOut(at, operation, path.cuts.slice(0, done + 1), path);
      throw new PowerCut();
    };
    try {
      if (done === 0) story.run(stage);
      else recover(stage, story);
      break;
    } catch (error) {
      if (!(error instanceof PowerCut)) {
        failure = describe(error);
        break;
      }
    }
    done++;
    stage = new TortureStage(bench, stage);
  }
  return { cuts: done, wear: Math.max(...stage.wear), failure };
}

/** A path of five cuts at random operations of a random story. */
export function randomPath(seed: number, cases: readonly TortureCase[] = TORTURE_CASES): CutPath {
  const random = new SeededRandom(seed);
  const pick = <T>(list: readonly T[]): T => {
    const item = list[randomBelow(random, list.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  };
  const cuts = Array.from({ length: RANDOM_CUTS }, () => ({
    operation: 1 + randomBelow(random, RANDOM_OPERATIONS),
    cut: pick(CUTS),
  }));
  return { case: pick(cases).name, story: pick(STORIES).name, cuts, seed };
}

/** Benches by name, each made once. */
export class Benches {
  readonly #made: Map<string, Bench> = new Map();
  readonly #start: BoardMaker | undefined;

  /** `start` makes the boards; those of the reference unless given. */
  constructor(start?: BoardMaker) {
    this.#start = start;
  }

  of(tortured: TortureCase): Bench {
    const known = this.#made.get(tortured.name);
    if (known !== undefined) return known;
    const bench = makeBench(tortured, this.#start);
    this.#made.set(tortured.name, bench);
    return bench;
  }
}

function prepared(bench: Bench, story: Story): TortureStage {
  const before = TortureStage.erased(bench);
  story.prepare(before);
  const stage = new TortureStage(bench, before);
  stage.wear.fill(0);
  return stage;
}

/** Does to the flash what the last of `cuts` does; from then on its torn bits depend on the path alone. */
function carryOut(
  stage: TortureStage,
  operation: PendingOperation,
  cuts: readonly CutPoint[],
  path: CutPath,
): void {
  const random = chanceOf({ ...path, cuts });
  const last = cuts.at(-1);
  if (last === undefined) return;
  cutOperation(stage.storage, stage.bench.map, operation, last.cut, random);
  stage.storage.reseed(random);
  if (operation.tag === "erase" && last.cut !== "before") stage.countErase(operation);
}

function chanceOf(path: CutPath): Random {
  return new SeededRandom(crc32(new TextEncoder().encode(pathId(path))) >>> 0);
}

function describe(error: unknown): string {
  if (error instanceof Brick) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
