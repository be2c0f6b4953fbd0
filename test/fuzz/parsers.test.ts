import { describe, expect, it } from "vitest";
import type { ParserTarget } from "../../lab/fuzz/fuzz-target.ts";
import { corpusOf, execute, FUZZ_TARGETS, fuzz, fuzzCaseId, parseFuzzCase } from "../../lab/fuzz/run-fuzz.ts";
import { toHex } from "../../src/base/bytes.ts";

/** Executions for each unit of a target's weight: about 20,000 with the machines. */
const EXECUTIONS = 400;

const parsers = FUZZ_TARGETS.filter((target): target is ParserTarget => target.tag === "parser");

describe("every parser", () => {
  it.each(parsers)("takes its corpus, and tells its inputs apart: $name", (target) => {
    const corpus = corpusOf(target);
    const words = new Set(corpus.map((input) => target.run(input)));
    expect(corpus.map(toHex)).toEqual(expect.arrayContaining(target.seeds().map(toHex)));
    expect(words.size).toBeGreaterThan(1);
  });

  it.each(parsers)("takes any bytes without an exception or a broken promise: $name", (target) => {
    const { failed, executions } = fuzz(target, 0, EXECUTIONS * target.weight);
    expect(executions).toBeGreaterThanOrEqual(EXECUTIONS);
    expect(failed.map(({ id, failure }) => `npm run lab -- --case ${id}  # ${failure}`)).toEqual([]);
  });
});

describe("the fuzzer", () => {
  it("finds a parser that throws, and names the execution", () => {
    const target: ParserTarget = {
      tag: "parser",
      name: "brittle",
      weight: 1,
      seeds: () => [Uint8Array.of(1, 2, 3, 4)],
      run(input) {
        if (input.length === 3) throw new Error("three");
        return "fine";
      },
    };
    const { failed } = fuzz(target, 0, 500);
    expect(failed[0]?.id).toMatch(/^fuzz:brittle:\d+$/);
    const seed = Number(failed[0]?.id.split(":")[2]);
    expect(() => execute({ target, seed })).toThrow("three");
  });

  it("runs a case again by its name", () => {
    for (const target of FUZZ_TARGETS) {
      const fuzzCase = parseFuzzCase(fuzzCaseId({ target, seed: 5 }));
      expect(fuzzCase).toEqual({ target, seed: 5 });
      if (fuzzCase !== undefined) expect(execute(fuzzCase)).toBe(execute({ target, seed: 5 }));
    }
    expect(parseFuzzCase("fuzz:nothing:5")).toBeUndefined();
  });
});
