import { randomBytes } from "node:crypto";
import type { Random } from "../base/prng.ts";

/** The system's generator, fit for nonces. */
export const systemRandom: Random = { u32: () => randomBytes(4).readUInt32LE(0) };
