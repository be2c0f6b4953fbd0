import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { MUTATION_NAMES } from "./classes.ts";
import type { MutatedResult } from "./mutated-transfer.ts";

/** Transfers that one worker does at a time; what an interruption loses at most, for each worker. */
export const BATCH_RUNS = 210;
/** Failures that are kept with their text. */
const FAILURES_MAX = 200;

/** What a long run is about. A file of progress is resumed only by the same. */
export interface MutatePlan {
  readonly runs: number;
  readonly firstSeed: number;
  /** Commit at which it began. */
  readonly version: string;
  /** Names the code that runs; other code starts over. */
  readonly code: string;
}

export interface ClassSum {
  transfers: number;
  /** Transfers with a frame or more tampered with. */
  touched: number;
  /** Frames tampered with. */
  mutations: number;
}

/** What many transfers came to. */
export interface MutateSums {
  transfers: number;
  classes: Record<string, ClassSum>;
  setups: Record<string, number>;
  outcomes: Record<string, number>;
  healedAfter: number;
  bytesRight: number;
  failures: { readonly id: string; readonly failure: string }[];
  failed: number;
}

/** All that is known of a run so far; the file. */
export interface Progress {
  readonly plan: MutatePlan;
  readonly sums: MutateSums;
  /** Numbers of the batches that are done. */
  readonly done: number[];
  /** Time that was worked, over all sittings. */
  seconds: number;
}

/** The name of a transfer, which `npm run lab:mutate -- --case` runs again. */
export function mutateCaseId(seed: number): string {
  return `mutate:${seed}`;
}

/** Undoes {@link mutateCaseId}; undefined for any other text. */
export function parseMutateCase(text: string): number | undefined {
  const [, seed] = /^mutate:(\d{1,10})$/.exec(text) ?? [];
  return seed === undefined ? undefined : Number(seed);
}

export function newSums(): MutateSums {
  const classes = Object.fromEntries(
    MUTATION_NAMES.map((name) => [name, { transfers: 0, touched: 0, mutations: 0 }]),
  );
  return {
    transfers: 0,
    classes,
    setups: {},
    outcomes: {},
    healedAfter: 0,
    bytesRight: 0,
    failures: [],
    failed: 0,
  };
}

/** Counts one transfer. */
export function count(sums: MutateSums, seed: number, result: MutatedResult): void {
  const { className, setup, mutations, outcome, wasHealedAfter, bytesRight, failures } = result;
  sums.transfers++;
  const touched = mutations > 0 ? 1 : 0;
  addClass(sums.classes, className, { transfers: 1, touched, mutations });
  sums.setups[setup] = (sums.setups[setup] ?? 0) + 1;
  sums.outcomes[outcome] = (sums.outcomes[outcome] ?? 0) + 1;
  if (wasHealedAfter) sums.healedAfter++;
  sums.bytesRight += bytesRight;
  if (failures.length === 0) return;
  sums.failed++;
  if (sums.failures.length < FAILURES_MAX)
    sums.failures.push({ id: mutateCaseId(seed), failure: failures.join("; ") });
}

function addClass(classes: Record<string, ClassSum>, name: string, more: ClassSum): void {
  const sum = classes[name] ?? { transfers: 0, touched: 0, mutations: 0 };
  sum.transfers += more.transfers;
  sum.touched += more.touched;
  sum.mutations += more.mutations;
  classes[name] = sum;
}

/** Adds the sums of a batch to those of all. */
export function addSums(all: MutateSums, more: MutateSums): void {
  all.transfers += more.transfers;
  for (const [name, sum] of Object.entries(more.classes)) addClass(all.classes, name, sum);
  for (const key of ["setups", "outcomes"] as const)
    for (const [name, n] of Object.entries(more[key])) all[key][name] = (all[key][name] ?? 0) + n;
  all.healedAfter += more.healedAfter;
  all.bytesRight += more.bytesRight;
  all.failed += more.failed;
  all.failures.push(...more.failures.slice(0, FAILURES_MAX - all.failures.length));
}

/** Seeds of a batch: from, and one past the last. */
export function batchSeeds({ runs, firstSeed }: MutatePlan, batch: number): { from: number; to: number } {
  const from = batch * BATCH_RUNS;
  return { from: firstSeed + from, to: firstSeed + Math.min(runs, from + BATCH_RUNS) };
}

/** Numbers of the batches that are still to do. */
export function batchesLeft({ plan, done }: Progress): number[] {
  const isDone = new Set(done);
  const all = Array.from({ length: Math.ceil(plan.runs / BATCH_RUNS) }, (_, batch) => batch);
  return all.filter((batch) => !isDone.has(batch));
}

/** The progress in a file, if it is that of this plan; otherwise a new one. */
export function loadProgress(path: string, plan: MutatePlan): Progress {
  if (existsSync(path)) {
    const known = JSON.parse(readFileSync(path, "utf8")) as Progress;
    const { runs, firstSeed, code } = known.plan;
    if (runs === plan.runs && firstSeed === plan.firstSeed && code === plan.code) return known;
  }
  return { plan, sums: newSums(), done: [], seconds: 0 };
}

/** Replaces the file in one step, so that no interruption leaves half of one. */
export function saveProgress(path: string, progress: Progress): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(progress));
  renameSync(`${path}.new`, path);
}
