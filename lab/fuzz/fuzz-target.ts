import type { Random } from "../../src/base/prng.ts";

/** A parser under fuzz: bytes in, and what was made of them in a word or two. */
export interface ParserTarget {
  readonly tag: "parser";
  readonly name: string;
  /** Its share of all executions, in relation to the others. */
  readonly weight: number;
  /** Well-formed inputs to begin with. */
  seeds(): readonly Uint8Array[];
  /** Mends what a mutation broke (a checksum, a signature), so that the input gets past it. */
  repair?(random: Random, input: Uint8Array): Uint8Array;
  /** Parses, checks what must hold, and throws when it does not. The word is new when other code was reached. */
  run(input: Uint8Array): string;
}

/** A machine under fuzz: a whole life full of chance, and how it went. */
export interface MachineTarget {
  readonly tag: "machine";
  readonly name: string;
  readonly weight: number;
  run(random: Random): string;
}

export type FuzzTarget = ParserTarget | MachineTarget;

/** Throws unless `condition` holds: what the fuzzer is looking for. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`does not hold: ${what}`);
}
