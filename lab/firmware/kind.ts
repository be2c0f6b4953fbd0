import { isDeepStrictEqual } from "node:util";
import { toHex } from "../../src/base/bytes.ts";
import type { Random } from "../../src/base/prng.ts";
import type { CSide } from "./c-side.ts";

/** What came of one input on both sides. */
export interface Outcome {
  /** Both sides took it. */
  readonly isAccepted: boolean;
  /** What differed; undefined when nothing did. */
  readonly difference?: string | undefined;
  /** What was handed in, for the report of a difference. */
  readonly input: Uint8Array;
}

/** A kind of input. */
export interface Kind {
  readonly name: string;
  /** Its share of the inputs that are no sessions, in relation to the others. */
  readonly weight: number;
  /** Makes one input by chance, and hands it to both sides. `trace`: gets what both sides say. */
  run(random: Random, c: CSide, trace?: (line: string) => void): Outcome;
}

/** The outcome of a comparison of two values; `isAccepted` counts only where they are equal. */
export function compared(input: Uint8Array, isAccepted: boolean, ts: unknown, c: unknown): Outcome {
  if (isDeepStrictEqual(ts, c)) return { isAccepted, input };
  return { isAccepted: false, input, difference: `TypeScript ${shown(ts)}, C ${shown(c)}` };
}

/** A value as text, bytes in hexadecimal. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? toHex(item) : item));
}
