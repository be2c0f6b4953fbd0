import { randomBytes } from "node:crypto";
import { systemClock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { RunOptions } from "./run-options.ts";

/** The system's generator, suitable for nonces. */
const systemRandom: Random = { u32: () => randomBytes(4).readUInt32LE(0) };

type Edges = Required<Pick<RunOptions, "clock" | "random">>;

/** Clock and randomness of a run: those of its options, or else the system's. No other file of node/ uses the system's. */
export function edgesOf(options: Partial<Edges>): Edges {
  return { clock: options.clock ?? systemClock, random: options.random ?? systemRandom };
}

/** Resolves when everything else that is ready had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
