import fc from "fast-check";
import { test as plain } from "vitest";

export { default as fc } from "fast-check";

type Parameters<T> = Pick<fc.Parameters<T>, "numRuns">;
type Body<T extends readonly unknown[]> = (...values: T) => unknown;
type Arbitraries<T extends readonly unknown[]> = { readonly [K in keyof T]: fc.Arbitrary<T[K]> };

/** More runs kill no more mutants worth the wait: those that survive are run to the end. */
const RUNS_MAX = 100;

/**
 * Stands in for `@fast-check/vitest` in mutation runs (vitest.mutation.config.ts), which takes two seconds to load in
 * each file. One seed, so that a mutant meets the same values each time; no search for a smaller example.
 */
function prop<T extends readonly [unknown, ...unknown[]]>(
  arbitraries: Arbitraries<T>,
  { numRuns = RUNS_MAX }: Parameters<T> = {},
): (name: string, body: Body<T>) => void {
  return (name, body) => {
    const property = fc.asyncProperty<[...T]>(...arbitraries, async (...values: [...T]) => {
      if ((await body(...values)) === false) throw new Error("the property returned false");
    });
    plain(name, () =>
      fc.assert(property, { seed: 1, numRuns: Math.min(numRuns, RUNS_MAX), endOnFailure: true }),
    );
  };
}

export const test: typeof plain & { prop: typeof prop } = Object.assign(plain, { prop });
