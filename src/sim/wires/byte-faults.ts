import { assert } from "../../base/assert.ts";
import { EMPTY } from "../../base/bytes.ts";
import { type Random, randomBelow, randomChance, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";

/**
 * Does harm to a stream of octets: takes what arrived at `now` and returns what is passed on. Never changes its input.
 * Except for faults that go by time, what happens does not depend on how the stream was cut.
 */
export type OctetFault = (octets: Uint8Array, now: Millis) => Uint8Array;

/** Applies the faults in turn. */
export function chainFaults(faults: readonly OctetFault[]): OctetFault {
  return (octets, now) => faults.reduce((passed, fault) => fault(passed, now), octets);
}

/** Flips each bit with probability `ber`. */
export function bitErrors(random: Random, ber: number): OctetFault {
  const gap = gaps(random, ber);
  let untilNext = gap();
  return (octets) => {
    const bits = octets.length * 8;
    if (untilNext >= bits) {
      untilNext -= bits;
      return octets;
    }
    const out = octets.slice();
    let bit = untilNext;
    for (; bit < bits; bit += 1 + gap()) out[bit >>> 3] = (out[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    untilNext = bit - bits;
    return out;
  };
}

/** Loses each octet with probability `probability`, as an overrun UART does. */
export function dropOctets(random: Random, probability: number): OctetFault {
  const gap = gaps(random, probability);
  let untilNext = gap();
  return (octets) => {
    if (untilNext >= octets.length) {
      untilNext -= octets.length;
      return octets;
    }
    const out = new Uint8Array(octets.length);
    let length = 0;
    for (const octet of octets) {
      if (untilNext === 0) untilNext = gap();
      else {
        untilNext -= 1;
        out[length++] = octet;
      }
    }
    return out.subarray(0, length);
  };
}

/** With probability `probability` per octet, replaces `octets` octets from there on by random ones. */
export function bursts(random: Random, options: { probability: number; octets: number }): OctetFault {
  assert(options.octets >= 1, "a burst has at least one octet");
  let left = 0;
  return (input) => {
    const out = input.slice();
    for (let i = 0; i < out.length; i++) {
      if (left === 0 && randomChance(random, options.probability)) left = options.octets;
      if (left === 0) continue;
      left -= 1;
      out[i] = random.u32() & 0xff;
    }
    return out;
  };
}

/** A line that is cut from `atMs` on, counted from the first octet carried, for `durationMs`. */
export interface Cut {
  readonly atMs: Millis;
  readonly durationMs: Millis;
}

/** Loses what arrives during a cut. */
export function cuts(list: readonly Cut[]): OctetFault {
  let start: Millis | undefined;
  return (octets, now) => {
    if (octets.length === 0) return octets;
    start ??= now;
    const at = now - start;
    return list.some((cut) => at >= cut.atMs && at < cut.atMs + cut.durationMs) ? EMPTY : octets;
  };
}

/** Inserts `text` before an octet with probability `probability`: boot logs, kernel messages. */
export function insertText(random: Random, options: { probability: number; text: string }): OctetFault {
  const text = new TextEncoder().encode(options.text);
  const gap = gaps(random, options.probability);
  let untilNext = gap();
  return (octets) => {
    const out: number[] = [];
    for (const octet of octets) {
      if (untilNext === 0) {
        out.push(...text);
        untilNext = gap();
      } else {
        untilNext -= 1;
      }
      out.push(octet);
    }
    return Uint8Array.from(out);
  };
}

/** Probabilities per run of octets between delimiters (0x00); empty runs are left alone. */
export interface RunFaultOptions {
  readonly loss?: number;
  /** One bit flipped; not into or out of a delimiter, so that exactly one run is hit. */
  readonly corrupt?: number;
  readonly duplicate?: number;
  /** Cut short at a random octet; the delimiter stays. */
  readonly truncate?: number;
  /** Longest run that is held to be treated as one, in octets; 8192. A longer one is passed on as it is. */
  readonly maxRun?: number;
}

/** Harms whole frames: holds octets until their delimiter came. At most one fault per run. */
export function runFaults(random: Random, options: RunFaultOptions): OctetFault {
  const held = new Uint8Array(options.maxRun ?? 8192);
  let length = 0;
  return (octets) => {
    const out: number[] = [];
    for (const octet of octets) {
      held[length++] = octet;
      if (octet === 0 || length === held.length) {
        const run = held.subarray(0, length);
        out.push(...(octet === 0 && length > 1 ? harmRun(random, run, options) : run));
        length = 0;
      }
    }
    return Uint8Array.from(out);
  };
}

/** `run` has at least one octet before its delimiter. */
function harmRun(random: Random, run: Uint8Array, options: RunFaultOptions): Uint8Array {
  const { loss = 0, corrupt = 0, duplicate = 0, truncate = 0 } = options;
  let dice = randomFraction(random);
  if (dice < loss) return EMPTY;
  dice -= loss;
  if (dice < corrupt) return flipOneBit(random, run);
  dice -= corrupt;
  if (dice < duplicate) return Uint8Array.of(...run, ...run);
  dice -= duplicate;
  if (dice < truncate) return Uint8Array.of(...run.subarray(0, randomBelow(random, run.length - 1)), 0);
  return run;
}

function flipOneBit(random: Random, run: Uint8Array): Uint8Array {
  const out = run.slice();
  const at = randomBelow(random, run.length - 1);
  const octet = out[at] ?? 0;
  let bit = randomBelow(random, 8);
  if ((octet ^ (1 << bit)) === 0) bit = (bit + 1) % 8;
  out[at] = octet ^ (1 << bit);
  return out;
}

/** Draws how many trials pass before one of probability `p` comes true: one random number for each fault, not each bit. */
function gaps(random: Random, p: number): () => number {
  assert(p >= 0 && p <= 1, `probability ${p}`);
  if (p === 0) return () => Number.POSITIVE_INFINITY;
  if (p === 1) return () => 0;
  const scale = 1 / Math.log1p(-p);
  return () => Math.floor(Math.log(1 - randomFraction(random)) * scale);
}
