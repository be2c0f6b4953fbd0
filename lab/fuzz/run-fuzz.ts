import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { codedBlocks } from "./coded-blocks.ts";
import { FIRMWARE_PARSERS } from "./firmware-parsers.ts";
import type { FuzzTarget, ParserTarget } from "./fuzz-target.ts";
import { IMAGE_PARSERS } from "./image-parsers.ts";
import { mutated } from "./mutate.ts";
import { RECORD_PARSERS } from "./record-parsers.ts";
import { rescuerLife } from "./rescuer-life.ts";
import { targetLife } from "./target-life.ts";
import { WIRE_PARSERS } from "./wire-parsers.ts";

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...WIRE_PARSERS,
  codedBlocks,
  ...IMAGE_PARSERS,
  ...FIRMWARE_PARSERS,
  ...RECORD_PARSERS,
  targetLife,
  rescuerLife,
];

/** Relative to the repository, which is the working directory of tests and commands. */
const CORPUS_FOLDER = "test/fuzz/corpus";
/** Inputs that a target's corpus holds at most. */
const CORPUS_MAX = 120;
/** Random numbers taken for each execution's seed: machines and parsers must not share a stream. */
const SEED_STEP = 0x9e37_79b1;

/** One execution, named by its target and seed. */
export interface FuzzCase {
  readonly target: FuzzTarget;
  readonly seed: number;
}

export interface FuzzFailure {
  readonly id: string;
  readonly failure: string;
}

/** What came of many executions of one target. */
export interface FuzzRow {
  readonly target: string;
  readonly executions: number;
  /** Different words that the target answered with: how far it was reached. */
  readonly words: number;
  readonly slowestMs: number;
  readonly failed: readonly FuzzFailure[];
}

export function fuzzCaseId({ target, seed }: FuzzCase): string {
  return `fuzz:${target.name}:${seed}`;
}

/** Undoes {@link fuzzCaseId}; undefined for any other text. */
export function parseFuzzCase(text: string): FuzzCase | undefined {
  const [, name, seed] = /^fuzz:([a-z0-9-]+):(\d{1,10})$/.exec(text) ?? [];
  const target = FUZZ_TARGETS.find((known) => known.name === name);
  return target && { target, seed: Number(seed) };
}

const corpora: Map<string, readonly Uint8Array[]> = new Map();

/** A parser's seeds, and the kept inputs: what once reached new code. */
export function corpusOf(target: ParserTarget): readonly Uint8Array[] {
  const known = corpora.get(target.name);
  if (known !== undefined) return known;
  const path = join(CORPUS_FOLDER, `${target.name}.json`);
  const lines = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as string[]) : [];
  const seeds = target.seeds();
  const seedLines = new Set(seeds.map(toHex));
  const kept = lines.filter((line) => !seedLines.has(line)).map((line) => fromHex(line) ?? new Uint8Array());
  const corpus = [...seeds, ...kept];
  corpora.set(target.name, corpus);
  return corpus;
}

/** The input of a parser's execution: one of the corpus, mutated, and mended as often as not. */
export function fuzzInput(target: ParserTarget, seed: number, corpus: readonly Uint8Array[]): Uint8Array {
  const random = new SeededRandom(Math.imul(seed, SEED_STEP));
  const input = mutated(random, corpus);
  return target.repair !== undefined && randomBelow(random, 4) > 0 ? target.repair(random, input) : input;
}

/** One execution; throws what the target throws. */
export function execute({ target, seed }: FuzzCase): string {
  if (target.tag === "machine") return target.run(new SeededRandom(Math.imul(seed, SEED_STEP)));
  return target.run(fuzzInput(target, seed, corpusOf(target)));
}

/** Failures reported of one target; the rest would say the same. */
const FAILURES_MAX = 10;

/** Executes a target with the seeds from `from` up to, and without, `to`. */
export function fuzz(target: FuzzTarget, from: number, to: number): FuzzRow {
  const words = new Set<string>();
  const failed: FuzzFailure[] = [];
  let slowestMs = 0;
  for (let seed = from; seed < to; seed++) {
    const start = performance.now();
    try {
      words.add(execute({ target, seed }));
    } catch (error) {
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (failed.length < FAILURES_MAX) failed.push({ id: fuzzCaseId({ target, seed }), failure });
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
  return { target: target.name, executions: to - from, words: words.size, slowestMs, failed };
}

/** Splits `executions` among the targets by their weights. */
export function fuzzShares(executions: number): { target: FuzzTarget; executions: number }[] {
  const total = FUZZ_TARGETS.reduce((sum, { weight }) => sum + weight, 0);
  return FUZZ_TARGETS.map((target) => ({
    target,
    executions: Math.ceil((executions * target.weight) / total),
  }));
}

/** Grows a parser's corpus from its seeds by every input that brought a new word, and keeps it. Returns its size. */
export function growCorpus(target: ParserTarget, executions: number): number {
  const words = new Set<string>();
  const corpus: Uint8Array[] = [];
  const consider = (input: Uint8Array): void => {
    const word = target.run(input);
    if (words.has(word) || corpus.length >= CORPUS_MAX) return;
    words.add(word);
    corpus.push(input);
  };
  for (const input of target.seeds()) {
    words.add(target.run(input));
    corpus.push(input);
  }
  for (let seed = 0; seed < executions; seed++) consider(fuzzInput(target, seed, corpus));
  const path = join(CORPUS_FOLDER, `${target.name}.json`);
  writeFileSync(path, `${JSON.stringify(corpus.map(toHex), undefined, 2)}\n`);
  return corpus.length;
}
