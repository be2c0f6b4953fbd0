import { randomBytes } from "node:crypto";
import { systemClock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { RunOptions } from "./run-options.ts";

/** The system's generator, fit for nonces. */
const systemRandom: Random = { u32: () => randomBytes(4).readUInt32LE(0) };

type Edges = Required<Pick<RunOptions, "clock" | "random">>;

/** Time and chance of a run: what its options bring, else the system's. The only file of node/ that asks the system. */
export function edgesOf(options: Partial<Edges>): Edges {
  return { clock: options.clock ?? systemClock, random: options.random ?? systemRandom };
}
