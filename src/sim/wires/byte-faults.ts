import { assert } from "../../base/assert.ts";
import { EMPTY } from "../../base/bytes.ts";
import { type Random, randomBelow, randomChance, randomFraction } from "../../base/prng.ts";
import type { Millis } from "../../base/units.ts";

/**
 * Damages a stream of bytes: takes what arrived at `now` and returns what is passed on. Never changes its input. Except
 * for faults that depend on time, the result does not depend on how the stream was split into calls.
 */
export type ByteFault = (bytes: Uint8Array, now: Millis) => Uint8Array;

/** Applies the faults one after another. */
export function chainFaults(faults: readonly ByteFault[]): ByteFault {
  return (bytes, now) => faults.reduce((passed, fault) => fault(passed, now), bytes);
}

/** Flips each bit with probability `ber`. */
export function bitErrors(random: Random, ber: number): ByteFault {
  const gap = gaps(random, ber);
  let untilNext = gap();
  return (bytes) => {
    const bits = bytes.length * 8;
    if (untilNext >= bits) {
      untilNext -= bits;
      return bytes;
    }
    const out = bytes.slice();
    let bit = untilNext;
    for (; bit < bits; bit += 1 + gap()) out[bit >>> 3] = (out[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    untilNext = bit - bits;
    return out;
  };
}

/** Loses each byte with probability `probability`, as an overrun UART does. */
export function dropBytes(random: Random, probability: number): ByteFault {
  const gap = gaps(random, probability);
  let untilNext = gap();
  return (bytes) => {
    if (untilNext >= bytes.length) {
      untilNext -= bytes.length;
      return bytes;
    }
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      if (untilNext === 0) untilNext = gap();
      else {
        untilNext -= 1;
        out[length++] = byte;
      }
    }
    return out.subarray(0, length);
  };
}

/** With probability `probability` per byte, replaces this byte and those after it, `bytes` in all, by random ones. */
export function bursts(random: Random, options: { probability: number; bytes: number }): ByteFault {
  assert(options.bytes >= 1, "a burst has at least one byte");
  let left = 0;
  return (input) => {
    const out = input.slice();
    for (let i = 0; i < out.length; i++) {
      if (left === 0 && randomChance(random, options.probability)) left = options.bytes;
      if (left === 0) continue;
      left -= 1;
      out[i] = random.u32() & 0xff;
    }
    return out;
  };
}

/** A line is cut `atMs` after the first byte carried, for `durationMs`. */
export interface Cut {
  readonly atMs: Millis;
  readonly durationMs: Millis;
}

/** Loses what arrives during a cut. */
export function cuts(list: readonly Cut[]): ByteFault {
  let start: Millis | undefined;
  return (bytes, now) => {
    if (bytes.length === 0) return bytes;
    start ??= now;
    const at = now - start;
    return list.some((cut) => at >= cut.atMs && at < cut.atMs + cut.durationMs) ? EMPTY : bytes;
  };
}

/** Inserts `text` before a byte with probability `probability`: boot logs, kernel messages. */
export function insertText(random: Random, options: { probability: number; text: string }): ByteFault {
  const text = new TextEncoder().encode(options.text);
  const gap = gaps(random, options.probability);
  let untilNext = gap();
  return (bytes) => {
    const out: number[] = [];
    for (const byte of bytes) {
      if (untilNext === 0) {
        out.push(...text);
        untilNext = gap();
      } else {
        untilNext -= 1;
      }
      out.push(byte);
    }
    return Uint8Array.from(out);
  };
}

/** Probabilities per run of bytes between delimiters (0x00); empty runs are left alone. */
export interface RunFaultOptions {
  readonly loss?: number;
  /** One bit flipped; not into or out of a delimiter, so that exactly one run is hit. */
  readonly corrupt?: number;
  readonly duplicate?: number;
  /** Cut short at a random byte; the delimiter stays. */
  readonly truncate?: number;
  /** Longest run that is held back, in bytes; 8192. A longer one is passed on as it is. */
  readonly maxRun?: number;
}

/** Damages whole frames: holds bytes back until their delimiter came. At most one fault per run. */
export function runFaults(random: Random, options: RunFaultOptions): ByteFault {
  const held = new Uint8Array(options.maxRun ?? 8192);
  let length = 0;
  return (bytes) => {
    const out: number[] = [];
    for (const byte of bytes) {
      held[length++] = byte;
      if (byte === 0 || length === held.length) {
        const run = held.subarray(0, length);
        out.push(...(byte === 0 && length > 1 ? damageRun(random, run, options) : run));
        length = 0;
      }
    }
    return Uint8Array.from(out);
  };
}

/** Damages whole messages, for links that carry each frame as one message (I2C). At most one fault per message. */
export function messageFaults(
  random: Random,
  options: RunFaultOptions,
): (message: Uint8Array) => readonly Uint8Array[] {
  return (message) => {
    switch (drawFate(random, options)) {
      case "loss":
        return [];
      case "corrupt":
        return [withBitFlipped(message, randomBelow(random, message.length), randomBelow(random, 8))];
      case "duplicate":
        return [message, message];
      case "truncate":
        return [message.subarray(0, 1 + randomBelow(random, message.length))];
      case "none":
        return [message];
    }
  };
}

type Fate = "loss" | "corrupt" | "duplicate" | "truncate" | "none";

function drawFate(random: Random, options: RunFaultOptions): Fate {
  let left = randomFraction(random);
  for (const fate of ["loss", "corrupt", "duplicate", "truncate"] as const) {
    const probability = options[fate] ?? 0;
    if (left < probability) return fate;
    left -= probability;
  }
  return "none";
}

/** `run` has at least one byte before its delimiter. */
function damageRun(random: Random, run: Uint8Array, options: RunFaultOptions): Uint8Array {
  switch (drawFate(random, options)) {
    case "loss":
      return EMPTY;
    case "corrupt":
      return corruptRun(random, run);
    case "duplicate":
      return Uint8Array.of(...run, ...run);
    case "truncate":
      return Uint8Array.of(...run.subarray(0, randomBelow(random, run.length - 1)), 0);
    case "none":
      return run;
  }
}

/** Flips one bit, and makes no delimiter by that. */
function corruptRun(random: Random, run: Uint8Array): Uint8Array {
  const at = randomBelow(random, run.length - 1);
  const bit = randomBelow(random, 8);
  const isDelimiterThen = run[at] === 1 << bit;
  return withBitFlipped(run, at, isDelimiterThen ? (bit + 1) % 8 : bit);
}

function withBitFlipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const out = bytes.slice();
  out[at] = (out[at] ?? 0) ^ (1 << bit);
  return out;
}

/** Draws how many trials of probability `p` fail before one succeeds: one random number per fault instead of per bit. */
function gaps(random: Random, p: number): () => number {
  assert(p >= 0 && p <= 1, `probability ${p}`);
  if (p === 0) return () => Number.POSITIVE_INFINITY;
  if (p === 1) return () => 0;
  const scale = 1 / Math.log1p(-p);
  return () => Math.floor(Math.log(1 - randomFraction(random)) * scale);
}
