import { toHex } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { BOARD_KIND } from "./board-kind.ts";
import { CSide } from "./c-side.ts";
import { IMAGE_KINDS } from "./image-kinds.ts";
import type { Kind, Outcome } from "./kind.ts";
import { MAILBOX_KIND } from "./mailbox-kind.ts";
import { RECORD_KINDS } from "./record-kinds.ts";
import { SECOND_FORM_KIND } from "./second-form-kind.ts";
import { SESSION_KIND } from "./session-kind.ts";
import { WIRE_KINDS } from "./wire-kinds.ts";

export const KINDS: readonly Kind[] = [
  ...WIRE_KINDS,
  SECOND_FORM_KIND,
  ...IMAGE_KINDS,
  ...RECORD_KINDS,
  MAILBOX_KIND,
  BOARD_KIND,
  SESSION_KIND,
];

/** Random numbers taken for each input's seed: inputs must not share a stream. */
const SEED_STEP = 0x9e37_79b1;
/** Differences of a kind that are reported; the rest are counted. */
const REPORTED_MAX = 5;

/** A difference, and the command line that finds it again. */
export interface Difference {
  readonly id: string;
  readonly difference: string;
  readonly inputHex: string;
}

/** What came of the inputs of a kind. */
export interface KindRow {
  readonly kind: string;
  readonly inputs: number;
  /** Taken by both sides. */
  readonly accepted: number;
  readonly differences: number;
  readonly reported: readonly Difference[];
}

/** One input again, named by `kind:seed`. */
export function runCase(id: string, c: CSide, trace?: (line: string) => void): Outcome {
  const [, name, seed] = /^([a-z-]+):(\d{1,10})$/.exec(id) ?? [];
  const kind = KINDS.find((known) => known.name === name);
  if (kind === undefined)
    throw new Error(`there is no case ${id}: the kinds are ${KINDS.map((known) => known.name).join(", ")}`);
  return kind.run(new SeededRandom(Math.imul(Number(seed), SEED_STEP)), c, trace);
}

/** Inputs of one kind with the seeds from `from` up to, and without, `to`. `wasm`: path of differential.wasm. */
export function runKind(name: string, from: number, to: number, wasm: string): KindRow {
  const c = new CSide(wasm);
  const reported: Difference[] = [];
  let accepted = 0;
  let differences = 0;
  for (let seed = from; seed < to; seed++) {
    const id = `${name}:${seed}`;
    const outcome = outcomeOf(id, c);
    if (outcome.isAccepted) accepted++;
    if (outcome.difference === undefined) continue;
    differences++;
    if (reported.length >= REPORTED_MAX) continue;
    reported.push({ id, difference: outcome.difference, inputHex: toHex(outcome.input) });
  }
  return { kind: name, inputs: to - from, accepted, differences, reported };
}

/** What a side throws is a difference, too: neither may. */
function outcomeOf(id: string, c: CSide): Outcome {
  try {
    return runCase(id, c);
  } catch (error) {
    const difference = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { isAccepted: false, difference, input: new Uint8Array() };
  }
}

/** Share of the inputs that are whole sessions. */
const SESSION_SHARE = 0.1;

/** How many inputs each kind gets of so many. */
export function sharesOf(count: number): { readonly kind: string; readonly inputs: number }[] {
  const others = KINDS.filter(({ name }) => name !== "session");
  const sessions = KINDS.length > others.length ? Math.ceil(count * SESSION_SHARE) : 0;
  const total = others.reduce((sum, { weight }) => sum + weight, 0);
  const shares = others.map(({ name, weight }) => ({
    kind: name,
    inputs: Math.ceil(((count - sessions) * weight) / total),
  }));
  return sessions > 0 ? [{ kind: "session", inputs: sessions }, ...shares] : shares;
}
