import { describe, expect, it } from "vitest";
import { exists, files, read, some, TRACKED } from "./repository.ts";

const CONCEPT = "docs/concept.md";

const numbered = (prefix: string, last: number): string[] =>
  Array.from({ length: last }, (_, i) => `${prefix}${i + 1}`);

/** Every demand. */
const IDS: readonly string[] = [
  ...numbered("C", 24),
  ...[23, 27, 35, 36, 56, 57, 58, 59, 60].map((paragraph) => `§${paragraph}`),
  ...numbered("F1.", 14),
  ...numbered("F2.", 9),
  ...numbered("F3.", 12),
];

interface Row {
  readonly id: string;
  readonly tests: readonly string[];
  /** Not met, or a part of it. */
  readonly isOpen: boolean;
}

const ROWS: readonly Row[] = read(CONCEPT)
  .split("\n")
  .filter((line) => /^\| (?:C|§|F)\d/.test(line))
  .map((line) => {
    const [id = "", , tested = ""] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const tests = [...tested.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path);
    return { id, tests, isOpen: /(?:^|; )open: \w/.test(tested) };
  });

/** The ids at the beginning of the names of tests: "C1 §59 F3.7: all boot in the end". */
const NAMED: readonly { readonly path: string; readonly id: string }[] = some(
  "tests that name a demand",
  TRACKED.filter((path) => /^test\/(?!tidy\/).*\.test\.ts$/.test(path)).flatMap((path) => {
    const names = read(path).matchAll(/["'`]((?:(?:C\d+|§\d+|F\d\.\d+) ?)+): /g);
    return [...names].flatMap(([, ids = ""]) => ids.split(" ").map((id) => ({ path, id })));
  }),
);

describe("the table of what the concept demands", () => {
  it("has each demand once, in order", () => {
    expect(ROWS.map(({ id }) => id)).toEqual(IDS);
  });

  it("says of each where it is tested, or that it is open", () => {
    expect(ROWS.filter(({ tests, isOpen }) => tests.length === 0 && !isOpen)).toEqual([]);
  });

  it("names files that exist, each of which has a test that names the demand", () => {
    const claims = ROWS.flatMap(({ id, tests }) => tests.map((path) => ({ id, path })));
    expect(claims.length).toBeGreaterThan(60);
    expect(claims.filter(({ path }) => !exists(path))).toEqual([]);
    const isShown = ({ id, path }: (typeof claims)[number]): boolean =>
      NAMED.some((named) => named.id === id && named.path === path);
    expect(claims.filter((claim) => !isShown(claim))).toEqual([]);
  });

  it("names every file that has a test of the demand", () => {
    const missing = NAMED.filter(
      ({ path, id }) => !ROWS.some((row) => row.id === id && row.tests.includes(path)),
    );
    expect(missing).toEqual([]);
  });

  it("belongs to the tests of test/concept, which all name what they show", () => {
    const names = files(/^test\/concept\/.*\.test\.ts$/);
    expect(names.filter((path) => !NAMED.some((named) => named.path === path))).toEqual([]);
  });
});
