import type { TortureResult } from "./plan.ts";
import type { SweepFailure } from "./sweep.ts";

/** All results of a plan, added up. */
export interface TortureReport {
  /** Flashes on which every story was swept at depth 1. */
  readonly flashes: number;
  /** K: operations of all stories on all of them. */
  readonly operations: number;
  /** Cuts of sweeps at depth 1. */
  readonly cuts: number;
  /** Cuts of sweeps at depth 2, the first ones included. */
  readonly nestedCuts: number;
  readonly randomRuns: number;
  readonly randomCuts: number;
  /** Runs with power for a number of operations at a time. */
  readonly starvedRuns: number;
  /** Operations from one cut to the next with which every starved board became well. */
  readonly budget: number;
  /** With twice of these: most power-ups until well, and most erases of a sector. */
  readonly ampleStarts: number;
  readonly ampleWear: number;
  /** Most erases of any one sector in one run of a sweep. */
  readonly wear: number;
  /** Cuts of depth 1 by what the board was about. */
  readonly phases: Readonly<Record<string, number>>;
  readonly failures: readonly SweepFailure[];
}

/** Adds up results, in any order. */
export function reportOf(results: readonly TortureResult[]): TortureReport {
  const sweeps = results.flatMap((result) => (result.tag === "sweep" ? [result.sweep] : []));
  const first = sweeps.filter(({ depth }) => depth === 1);
  const random = results.filter((result) => result.tag === "random");
  const starved = results.filter((result) => result.tag === "endurance");
  const phases: Record<string, number> = {};
  for (const sweep of first) {
    for (const [phase, cuts] of Object.entries(sweep.phases)) phases[phase] = (phases[phase] ?? 0) + cuts;
  }
  const starvedFailures = starved.flatMap(({ least, ample }) =>
    [least, ample].flatMap(({ id, failure }) => (failure === null ? [] : [{ id, what: failure }])),
  );
  return {
    flashes: new Set(first.map((sweep) => sweep.case)).size,
    operations: sum(first.map(({ operations }) => operations)),
    cuts: sum(first.map(({ cuts }) => cuts)),
    nestedCuts: sum(sweeps.map(({ depth, cuts }) => (depth === 2 ? cuts : 0))),
    randomRuns: sum(random.map(({ runs }) => runs)),
    randomCuts: sum(random.map(({ cuts }) => cuts)),
    starvedRuns: starved.length,
    budget: Math.max(0, ...starved.map(({ least }) => least.budget)),
    ampleStarts: Math.max(0, ...starved.map(({ ample }) => ample.powerUps)),
    ampleWear: Math.max(0, ...starved.map(({ ample }) => ample.wear)),
    wear: Math.max(0, ...sweeps.map(({ wear }) => wear)),
    phases,
    failures: [
      ...sweeps.flatMap(({ failures }) => failures),
      ...random.flatMap(({ failures }) => failures),
      ...starvedFailures,
    ],
  };
}

/** Cuts in all, and the upper bound of the share that fails, at 95 % confidence (rule of three), if none did. */
export function boundOf({ cuts, nestedCuts, randomCuts }: TortureReport): { all: number; bound: number } {
  const all = cuts + nestedCuts + randomCuts;
  return { all, bound: all === 0 ? 1 : 3 / all };
}

/** The report for people, line by line. */
export function reportLines(
  report: TortureReport,
  plan: { readonly every: number; readonly seed: number },
): string[] {
  const { all, bound } = boundOf(report);
  const n = (value: number): string => value.toLocaleString("en-US");
  const share = plan.every === 1 ? "every cut" : `one cut of ${plan.every}`;
  return [
    `K = ${n(report.operations)} operations on ${report.flashes} flashes, ${share}, 7 kinds of cut: ${n(report.cuts)} cut points`,
    ...Object.entries(report.phases).map(([phase, cuts]) => `  ${n(cuts).padStart(9)}  ${phase}`),
    `cut again at every operation of what follows (small flashes): ${n(report.nestedCuts)}`,
    `random paths of five cuts: ${n(report.randomRuns)} with ${n(report.randomCuts)} cuts`,
    `starved supplies: ${report.starvedRuns} boards, all well with ${report.budget} operations a start; ` +
      `with twice what each needs in at most ${report.ampleStarts} starts and ${report.ampleWear} erases of a sector`,
    `wear: at most ${report.wear} erases of a sector in one run`,
    `seeds: torn bits by replay id, from ${plan.seed}`,
    `failures (brick, unverified boot or byte, fallen counter): ${report.failures.length} of ${n(all)} cuts` +
      (report.failures.length === 0 ? `, so below ${bound.toExponential(1)} with 95 % confidence (3/n)` : ""),
    ...report.failures.map(({ id, what }) => `FAIL ${what}\n     mayday board torture --replay ${id}`),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
